-- Takes a stream: no run that still works on it can commit any more. ?1 stream
UPDATE _etl_streams SET epoch = epoch + 1 WHERE stream_id = CAST(?1 AS INTEGER);
