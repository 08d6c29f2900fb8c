-- How many rows are not those. Parameters as in erase_rows.sql
SELECT count(*) AS rows FROM :"schema".:"table"
WHERE NOT coalesce(_client_id = $1 AND CAST(:"a" AS text) = $2 AND CAST(:"b" AS text) = $3
                   AND CAST(:"c" AS text) = $4, false)
