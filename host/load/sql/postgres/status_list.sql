-- Each stream with its latest load, for all clients at once. $1 client or NULL
SELECT s.client_id, s.instance, s.resource, s.table_schema, s.table_name,
  to_char(s.last_success_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_success_at,
  floor(extract(epoch FROM clock_timestamp() - s.last_success_at))::bigint AS age,
  l.status, l.error, l.run_id, l.pipeline,
  r.host, r.pid, r.pid_started,
  floor(extract(epoch FROM clock_timestamp() - r.heartbeat_at))::bigint AS heartbeat_age,
  coalesce(d.dead, 0) AS dead
FROM _etl.streams AS s
LEFT JOIN LATERAL (
  SELECT * FROM _etl.loads AS o WHERE o.stream_id = s.stream_id ORDER BY o.load_id DESC LIMIT 1
) AS l ON true
LEFT JOIN _etl.runs AS r ON r.run_id = l.run_id AND l.status = 'running'
LEFT JOIN (
  SELECT stream_id, count(*) AS dead FROM _etl.dead_rows WHERE status = 'dead' GROUP BY stream_id
) AS d ON d.stream_id = s.stream_id
WHERE $1::text IS NULL OR s.client_id = $1
ORDER BY s.client_id, s.instance, s.resource, s.table_schema, s.table_name
