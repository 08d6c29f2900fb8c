-- A client's dead rows, for a file. ?1 client
SELECT d.dead_id, s.instance, s.resource, s.table_schema, s.table_name, d.file, d.row_number,
  d.line, d.column_name, d.code, d.reason, d.raw, d.status, d.created_at, d.resolved_at
FROM _etl_dead_rows AS d
JOIN _etl_streams AS s ON s.stream_id = d.stream_id
WHERE d.client_id = ?1
ORDER BY d.dead_id;
