-- Discards the dead rows of what was loaded since a time: it is forgotten, and they will come again.
-- ?1 stream, ?2 time
UPDATE _etl_dead_rows SET status = 'discarded', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE stream_id = CAST(?1 AS INTEGER) AND status = 'dead'
  AND load_id IN (SELECT u.load_id FROM _etl_units AS u
                  WHERE u.stream_id = CAST(?1 AS INTEGER) AND u.committed_at >= ?2);
SELECT changes() AS rows;
