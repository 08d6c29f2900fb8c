-- The latest loads. $1 client or NULL
SELECT l.load_id, l.client_id, s.instance, s.resource, s.table_schema, s.table_name, l.run_id,
  l.pipeline, l.status, l.error, l.started_at, l.finished_at, l.rows_loaded, l.rows_dead,
  l.effects
FROM _etl.loads AS l
JOIN _etl.streams AS s ON s.stream_id = l.stream_id
WHERE ($1::text IS NULL OR l.client_id = $1)
ORDER BY l.load_id DESC
LIMIT 1000
