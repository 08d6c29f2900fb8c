-- ?1 stream, ?2 input
SELECT count(*) FROM _etl_units WHERE stream_id = ?1 AND input = ?2;
