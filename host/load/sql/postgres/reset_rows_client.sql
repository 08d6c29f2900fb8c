-- Deletes the rows of a stream: its client's and its source's, but not those that another stream loaded.
-- $1 stream, $2 client, $3 instance
WITH gone AS (
  DELETE FROM :"schema".:"table" AS t
  WHERE t."_client_id" = $2 AND t."_source" = $3
    AND NOT EXISTS (SELECT 1 FROM _etl.loads AS other
                    WHERE other.load_id = t."_load_id" AND other.stream_id <> $1::bigint)
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
