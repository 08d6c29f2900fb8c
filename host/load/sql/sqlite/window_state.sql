-- How far a stream has been read. ?1 stream
SELECT cursor, pending FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER);
