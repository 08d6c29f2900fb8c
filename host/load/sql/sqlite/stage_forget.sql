-- The units of a generation count no more: their stage is empty.
UPDATE _etl_dead_rows AS d SET status = 'discarded', resolved_at = :'now'
WHERE d.stream_id = :stream AND d.status = 'dead'
  AND EXISTS (SELECT 1 FROM _etl_units AS u
              JOIN _etl_files AS f ON f.stream_id = u.stream_id AND f.generation = u.generation
                AND f.input = u.input
              WHERE u.stream_id = :stream AND u.generation = :pending AND u.load_id = d.load_id
                AND (f.name = d.file OR u.input LIKE 'window:%'
                     AND d.byte_offset >= u.start_offset AND d.byte_offset < u.end_offset));
DELETE FROM _etl_units WHERE stream_id = :stream AND generation = :pending;
DELETE FROM _etl_files WHERE stream_id = :stream AND generation = :pending;
