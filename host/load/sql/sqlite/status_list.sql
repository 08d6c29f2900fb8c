-- Each stream with its latest load, for all clients at once. ?1 client or NULL
SELECT s.client_id, s.instance, s.resource, s.table_schema, s.table_name,
  strftime('%Y-%m-%dT%H:%M:%SZ', s.last_success_at) AS last_success_at,
  CAST(strftime('%s', 'now') - strftime('%s', s.last_success_at) AS INTEGER) AS age,
  l.status, l.error, l.run_id, l.pipeline,
  r.host, r.pid, r.pid_started,
  CAST(strftime('%s', 'now') - strftime('%s', r.heartbeat_at) AS INTEGER) AS heartbeat_age,
  (SELECT count(*) FROM _etl_dead_rows AS d
   WHERE d.stream_id = s.stream_id AND d.status = 'dead') AS dead
FROM _etl_streams AS s
LEFT JOIN _etl_loads AS l ON l.load_id =
  (SELECT max(o.load_id) FROM _etl_loads AS o WHERE o.stream_id = s.stream_id)
LEFT JOIN _etl_runs AS r ON r.run_id = l.run_id AND l.status = 'running'
WHERE ?1 IS NULL OR s.client_id = ?1
ORDER BY s.client_id, s.instance, s.resource, s.table_schema, s.table_name;
