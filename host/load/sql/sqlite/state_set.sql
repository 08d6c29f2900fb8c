-- Sets a stream's cursor, if it still is what was shown. ?1 stream, ?2 cursor or NULL, ?3 the old one
UPDATE _etl_streams SET cursor = ?2, pending = NULL, epoch = epoch + 1
WHERE stream_id = CAST(?1 AS INTEGER) AND cursor IS ?3;
SELECT changes() AS streams;
