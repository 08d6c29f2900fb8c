-- Deletes the rows of a stream that were loaded since a time. $1 stream, $2 time
WITH gone AS (
  DELETE FROM :"schema".:"table" AS t
  WHERE t."_load_id" IN (SELECT u.load_id FROM _etl.units AS u
                          WHERE u.stream_id = $1::bigint AND u.committed_at >= $2::timestamptz)
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
