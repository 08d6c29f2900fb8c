-- Deletes a client's rows from a table. $1 client
WITH gone AS (DELETE FROM :"schema".:"table" WHERE _client_id = $1 RETURNING 1)
SELECT count(*) AS rows FROM gone
