-- What the units from some place on have put into a stage leaves it: it is read again.
DELETE FROM :"stage"
WHERE ("_load_id", "_loaded_at") IN (
  SELECT u.load_id, json_extract(u.position, '$.loaded_at') FROM _etl_units AS u
  WHERE u.stream_id = :stream AND u.generation = :pending AND u.start_offset >= :offset);
