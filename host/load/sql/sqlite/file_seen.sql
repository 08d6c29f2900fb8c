-- An input that is known was met under another name. ?1 stream, ?2 epoch, ?3 input, ?4 name
INSERT INTO _etl_files (stream_id, client_id, generation, input, name, size, modified_at,
                        first_load_id, first_seen_at)
SELECT f.stream_id, f.client_id, f.generation, f.input, ?4, f.size, f.modified_at,
  f.first_load_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM _etl_files AS f
JOIN _etl_streams AS s ON s.stream_id = f.stream_id AND s.generation = f.generation
WHERE f.stream_id = CAST(?1 AS INTEGER) AND s.epoch = CAST(?2 AS INTEGER) AND f.input = ?3
LIMIT 1
ON CONFLICT DO NOTHING;
