-- Dead rows in the order they came. $1 client, $2 instance, $3 resource, $4 after this id, $5 how
-- many; NULL: all
SELECT d.dead_id, d.client_id, s.instance, s.resource, s.table_schema, s.table_name, d.file,
  d.row_number, d.line, d.column_name, d.code, d.reason, encode(d.raw, 'hex') AS raw,
  to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at,
  l.run_id, l.pipeline
FROM _etl.dead_rows AS d
JOIN _etl.streams AS s ON s.stream_id = d.stream_id
LEFT JOIN _etl.loads AS l ON l.load_id = d.load_id
WHERE d.status = 'dead'
  AND ($1::text IS NULL OR d.client_id = $1)
  AND ($2::text IS NULL OR s.instance = $2)
  AND ($3::text IS NULL OR s.resource = $3)
  AND d.dead_id > coalesce($4::bigint, 0)
ORDER BY d.dead_id
LIMIT $5::bigint
