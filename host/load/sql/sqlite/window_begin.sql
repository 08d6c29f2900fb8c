-- A window begins, or goes on. What an earlier attempt read of it from some place on is read again:
-- so are its dead rows. ?1 stream, ?2 epoch, ?3 the window, ?4 the earlier attempt, ?5 that place,
-- ?6 where its units that count end, NULL: none is forgotten, ?7 the cursor, NULL: as it was
UPDATE _etl_dead_rows AS d
SET status = 'discarded', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE d.stream_id = CAST(?1 AS INTEGER) AND d.status = 'dead'
  AND d.byte_offset >= CAST(?5 AS INTEGER)
  AND EXISTS (SELECT 1 FROM _etl_streams AS s
              WHERE s.stream_id = d.stream_id AND s.epoch = CAST(?2 AS INTEGER))
  AND EXISTS (SELECT 1 FROM _etl_units AS u
              WHERE u.stream_id = d.stream_id AND u.input = ?4 AND u.load_id = d.load_id
                AND d.byte_offset >= u.start_offset AND d.byte_offset < u.end_offset);
DELETE FROM _etl_units
WHERE stream_id = CAST(?1 AS INTEGER) AND input = ?4 AND start_offset >= CAST(?6 AS INTEGER)
  AND EXISTS (SELECT 1 FROM _etl_streams AS s
              WHERE s.stream_id = CAST(?1 AS INTEGER) AND s.epoch = CAST(?2 AS INTEGER));
UPDATE _etl_streams SET pending = ?3, cursor = coalesce(?7, cursor)
WHERE stream_id = CAST(?1 AS INTEGER) AND epoch = CAST(?2 AS INTEGER);
SELECT changes() AS streams;
