-- What is known of the inputs of one stream: of those whose rows are in the table. $1 stream
SELECT u.input,
  (SELECT f.name FROM _etl.files AS f
   WHERE f.stream_id = u.stream_id AND f.generation = u.generation AND f.input = u.input
   ORDER BY f.first_load_id, f.first_seen_at, f.name LIMIT 1) AS file,
  u.start_offset, u.end_offset, u.row_start, u.row_end, u.line_end, u.rows, u.dead, u.is_last,
  u.load_id, u.committed_at
FROM _etl.units AS u
JOIN _etl.streams AS s ON s.stream_id = u.stream_id AND s.generation = u.generation
WHERE u.stream_id = $1::bigint
ORDER BY u.input, u.start_offset
