-- ?1 stream, ?2 client, ?3 input, ?4 name, ?5 size, ?6 modified, ?7 load, ?8 now,
-- ?9 generation
INSERT INTO _etl_files (stream_id, client_id, input, name, size, modified_at, first_load_id,
                        first_seen_at, generation)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT DO NOTHING;
