-- Leaves a note that something was erased. $1 client, $2 what (client or rows), $3 tables,
-- $4 columns or NULL, $5 salted hash of the values or NULL, $6 rows, $7 dead rows
INSERT INTO _etl.erasures (client_id, what, tables, columns, value_hash, rows, dead_rows)
VALUES ($1, $2, $3, $4, $5, $6::bigint, $7::bigint)
RETURNING erasure_id
