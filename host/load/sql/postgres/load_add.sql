-- $1 stream, $2 client, $3 run, $4 pipeline, $5 script hash, $6 config hash
INSERT INTO _etl.loads (stream_id, client_id, run_id, pipeline, script_hash, config_hash, status)
VALUES ($1, $2, $3, $4, $5, $6, 'running')
RETURNING load_id
