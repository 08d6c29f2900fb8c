-- How far a stream has been read. $1 stream
SELECT cursor, pending FROM _etl.streams WHERE stream_id = $1::bigint
