-- Was another content loaded under this name? ?1 stream, ?2 input, ?3 generation, ?4 name
SELECT EXISTS (SELECT 1 FROM _etl_files
               WHERE stream_id = ?1 AND generation = ?3 AND name = ?4 AND input <> ?2);
