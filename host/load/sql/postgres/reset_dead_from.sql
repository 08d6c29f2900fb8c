-- Discards the dead rows of what was loaded since a time: it is forgotten, and they will come again.
-- $1 stream, $2 time
WITH gone AS (
  UPDATE _etl.dead_rows SET status = 'discarded', resolved_at = now()
  WHERE stream_id = $1::bigint AND status = 'dead'
    AND load_id IN (SELECT u.load_id FROM _etl.units AS u
                    WHERE u.stream_id = $1::bigint AND u.committed_at >= $2::timestamptz)
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
