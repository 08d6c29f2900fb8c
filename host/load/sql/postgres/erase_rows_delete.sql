-- Deletes those rows. Parameters as in erase_rows.sql
WITH gone AS (
  DELETE FROM :"schema".:"table"
  WHERE _client_id = $1 AND CAST(:"a" AS text) = $2 AND CAST(:"b" AS text) = $3
    AND CAST(:"c" AS text) = $4
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
