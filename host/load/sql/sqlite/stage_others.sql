-- And how many of another input. ?1 stream, ?2 generation, ?3 input or NULL
SELECT count(*) FROM _etl_units WHERE stream_id = ?1 AND generation = ?2 AND input <> ?3;
