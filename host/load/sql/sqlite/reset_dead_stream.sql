-- Discards the dead rows of a stream: it is forgotten, and they will come again. ?1 stream
UPDATE _etl_dead_rows SET status = 'discarded', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE stream_id = CAST(?1 AS INTEGER) AND status = 'dead';
SELECT changes() AS rows;
