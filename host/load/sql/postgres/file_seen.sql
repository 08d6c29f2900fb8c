-- An input that is known was met under another name. $1 stream, $2 epoch, $3 input, $4 name
INSERT INTO _etl.files (stream_id, client_id, generation, input, name, size, modified_at,
                        first_load_id)
SELECT f.stream_id, f.client_id, f.generation, f.input, $4, f.size, f.modified_at, f.first_load_id
FROM _etl.files AS f
JOIN _etl.streams AS s ON s.stream_id = f.stream_id AND s.generation = f.generation
WHERE f.stream_id = $1::bigint AND s.epoch = $2::bigint AND f.input = $3
LIMIT 1
ON CONFLICT DO NOTHING
