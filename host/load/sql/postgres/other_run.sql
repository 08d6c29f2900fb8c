-- $1 client, $2 instance, $3 resource, $4 schema, $5 table
SELECT l.run_id, coalesce(l.pipeline, ''), r.host, r.pid, r.pid_started,
  (extract(epoch FROM clock_timestamp() - r.heartbeat_at) * 1000000)::bigint
FROM _etl.streams AS s
JOIN _etl.loads AS l ON l.stream_id = s.stream_id AND l.status = 'running'
JOIN _etl.runs AS r ON r.run_id = l.run_id
WHERE s.client_id = $1 AND s.instance = $2 AND s.resource = $3
  AND s.table_schema = $4 AND s.table_name = $5
ORDER BY l.load_id DESC
LIMIT 1
