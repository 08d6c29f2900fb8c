-- Discards the dead rows of a file: it is forgotten, and they will come again. $1 stream, $2 file
WITH gone AS (
  UPDATE _etl.dead_rows SET status = 'discarded', resolved_at = now()
  WHERE stream_id = $1::bigint AND status = 'dead' AND file = $2
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
