-- Discards the dead rows of a file: it is forgotten, and they will come again. ?1 stream, ?2 file
UPDATE _etl_dead_rows SET status = 'discarded', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE stream_id = CAST(?1 AS INTEGER) AND status = 'dead' AND file = ?2;
SELECT changes() AS rows;
