-- A statement of its own, so that its snapshot is younger than the lock.
-- $1 stream, $2 input, $3 start, $4 generation
SELECT s.epoch, s.client_id,
  (SELECT l.run_id FROM _etl.loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1),
  (SELECT u.load_id FROM _etl.units AS u
   WHERE u.stream_id = s.stream_id AND u.generation = $4 AND u.input = $2
     AND u.start_offset = $3)
FROM _etl.streams AS s
WHERE s.stream_id = $1
