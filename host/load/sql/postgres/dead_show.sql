-- One dead row, $1, whatever became of it.
SELECT d.dead_id, d.client_id, s.instance, s.resource, s.table_schema, s.table_name, d.file,
  d.row_number, d.line, d.byte_offset, d.column_name, d.code, d.reason,
  encode(d.raw, 'hex') AS raw, d.status,
  to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at,
  to_char(d.resolved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS resolved_at,
  l.run_id, l.pipeline
FROM _etl.dead_rows AS d
JOIN _etl.streams AS s ON s.stream_id = d.stream_id
LEFT JOIN _etl.loads AS l ON l.load_id = d.load_id
WHERE d.dead_id = $1::bigint
