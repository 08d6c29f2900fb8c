-- $1 stream
SELECT s.epoch, s.client_id,
  (SELECT l.run_id FROM _etl.loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1)
FROM _etl.streams AS s
WHERE s.stream_id = $1
FOR SHARE OF s
