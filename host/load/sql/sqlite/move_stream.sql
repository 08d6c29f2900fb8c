-- Gives a stream another key. ?1 stream, ?2 instance, ?3 resource, ?4 schema, ?5 table
UPDATE _etl_streams SET instance = ?2, resource = ?3, table_schema = ?4, table_name = ?5
WHERE stream_id = CAST(?1 AS INTEGER);
SELECT changes() AS streams;
