-- The same with their bytes, in hexadecimal. ?1 client, ?2 instance, ?3 resource
SELECT d.dead_id, d.file, d.row_number, d.line, d.column_name, d.code, d.reason,
  lower(hex(d.raw)) AS raw
FROM _etl_dead_rows AS d
JOIN _etl_streams AS s ON s.stream_id = d.stream_id
WHERE d.status = 'dead'
  AND (?1 IS NULL OR s.client_id = ?1)
  AND (?2 IS NULL OR s.instance = ?2)
  AND (?3 IS NULL OR s.resource = ?3)
ORDER BY d.dead_id;
