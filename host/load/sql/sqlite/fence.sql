-- ?1 stream
SELECT s.epoch,
  (SELECT l.run_id FROM _etl_loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1),
  s.client_id
FROM _etl_streams AS s
WHERE s.stream_id = ?1;
