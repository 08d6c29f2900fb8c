-- Dead rows in the order they came. ?1 client, ?2 instance, ?3 resource, ?4 after this id, ?5 how
-- many; NULL: all
SELECT d.dead_id, d.client_id, s.instance, s.resource, s.table_schema, s.table_name, d.file,
  d.row_number, d.line, d.column_name, d.code, d.reason, lower(hex(d.raw)) AS raw, d.created_at,
  l.run_id, l.pipeline
FROM _etl_dead_rows AS d
JOIN _etl_streams AS s ON s.stream_id = d.stream_id
LEFT JOIN _etl_loads AS l ON l.load_id = d.load_id
WHERE d.status = 'dead'
  AND (?1 IS NULL OR d.client_id = ?1)
  AND (?2 IS NULL OR s.instance = ?2)
  AND (?3 IS NULL OR s.resource = ?3)
  AND d.dead_id > CAST(coalesce(?4, '0') AS INTEGER)
ORDER BY d.dead_id
LIMIT CAST(coalesce(?5, '-1') AS INTEGER);
