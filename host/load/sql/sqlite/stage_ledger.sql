-- How many units a generation has. ?1 stream, ?2 generation
SELECT count(*) FROM _etl_units WHERE stream_id = ?1 AND generation = ?2;
