-- What the units from some place on have put into a stage leaves it: it is read again.
DELETE FROM _etl.:"stage" AS t USING _etl.units AS u
WHERE u.stream_id = :stream AND u.generation = :pending AND u.start_offset >= :offset
  AND t."_load_id" = u.load_id AND t."_loaded_at" = (u.position ->> 'loaded_at')::timestamptz;
