-- One dead row, ?1, whatever became of it.
SELECT d.dead_id, d.client_id, s.instance, s.resource, s.table_schema, s.table_name, d.file,
  d.row_number, d.line, d.byte_offset, d.column_name, d.code, d.reason, lower(hex(d.raw)) AS raw, d.status,
  d.created_at, d.resolved_at, l.run_id, l.pipeline
FROM _etl_dead_rows AS d
JOIN _etl_streams AS s ON s.stream_id = d.stream_id
LEFT JOIN _etl_loads AS l ON l.load_id = d.load_id
WHERE d.dead_id = CAST(?1 AS INTEGER);
