-- ?1 stream, ?2 client, ?3 run, ?4 pipeline, ?5 script hash, ?6 config hash, ?7 now
INSERT INTO _etl_loads (stream_id, client_id, run_id, pipeline, script_hash, config_hash, status,
                        started_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7)
RETURNING load_id;
