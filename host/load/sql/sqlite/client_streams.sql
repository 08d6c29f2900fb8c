-- The streams of a client, each with the run that says it is loading it. ?1 client
SELECT s.stream_id, s.instance, s.resource, s.table_schema, s.table_name,
  r.run_id, l.pipeline, r.host, r.pid, r.pid_started,
  CAST(strftime('%s', 'now') - strftime('%s', r.heartbeat_at) AS INTEGER) AS heartbeat_age
FROM _etl_streams AS s
LEFT JOIN _etl_loads AS l ON l.stream_id = s.stream_id AND l.status = 'running'
LEFT JOIN _etl_runs AS r ON r.run_id = l.run_id
WHERE s.client_id = ?1
ORDER BY s.instance, s.resource, s.table_schema, s.table_name, l.load_id;
