-- The name under which an input came first. ?1 stream, ?2 input, ?3 generation
SELECT name FROM _etl_files WHERE stream_id = ?1 AND input = ?2 AND generation = ?3
ORDER BY first_load_id, first_seen_at, name LIMIT 1;
