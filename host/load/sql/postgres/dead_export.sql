-- The same with their bytes, in hexadecimal. $1 client, $2 instance, $3 resource
SELECT d.dead_id, d.file, d.row_number, d.line, d.column_name, d.code, d.reason,
  encode(d.raw, 'hex') AS raw
FROM _etl.dead_rows AS d
JOIN _etl.streams AS s ON s.stream_id = d.stream_id
WHERE d.status = 'dead'
  AND ($1::text IS NULL OR s.client_id = $1)
  AND ($2::text IS NULL OR s.instance = $2)
  AND ($3::text IS NULL OR s.resource = $3)
ORDER BY d.dead_id
