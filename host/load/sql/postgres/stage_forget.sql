-- The units of a generation count no more: their stage is empty. $1 stream, $2 generation
WITH unit AS (
  DELETE FROM _etl.units WHERE stream_id = $1 AND generation = $2
  RETURNING input, load_id, start_offset, end_offset
), file AS (
  DELETE FROM _etl.files WHERE stream_id = $1 AND generation = $2
  RETURNING input, name
)
UPDATE _etl.dead_rows AS d SET status = 'discarded', resolved_at = now()
WHERE d.stream_id = $1 AND d.status = 'dead'
  AND EXISTS (SELECT 1 FROM unit AS u JOIN file AS f ON f.input = u.input
              WHERE u.load_id = d.load_id
                AND (f.name = d.file OR u.input LIKE 'window:%'
                     AND d.byte_offset >= u.start_offset AND d.byte_offset < u.end_offset))
