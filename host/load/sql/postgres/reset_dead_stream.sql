-- Discards the dead rows of a stream: it is forgotten, and they will come again. $1 stream
WITH gone AS (
  UPDATE _etl.dead_rows SET status = 'discarded', resolved_at = now()
  WHERE stream_id = $1::bigint AND status = 'dead'
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
