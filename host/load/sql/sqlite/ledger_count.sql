-- ?1 stream, ?2 input, ?3 generation
SELECT count(*) FROM _etl_units WHERE stream_id = ?1 AND input = ?2 AND generation = ?3;
