-- Takes a stream: no run that still works on it can commit any more. $1 stream
UPDATE _etl.streams SET epoch = epoch + 1 WHERE stream_id = $1::bigint
RETURNING stream_id
