-- What loads changed in the tables, latest first; columns of a table that the same load made, and
-- etlhost's own, only as a number. ?1 client, ?2 since (a time, UTC), ?3 how many; NULL: all
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', c.changed_at) AS changed_at,
  s.client_id, s.instance, s.resource, c.table_schema, c.table_name, c.column_name, c.change,
  c.from_type, c.to_type, c.why, l.run_id, l.pipeline,
  (SELECT count(*) FROM _etl_schema_changes AS a
   WHERE c.change = 'create table' AND a.load_id = c.load_id AND a.change = 'add column'
     AND a.table_schema = c.table_schema AND a.table_name = c.table_name) AS columns
FROM _etl_schema_changes AS c
LEFT JOIN _etl_streams AS s ON s.stream_id = c.stream_id
LEFT JOIN _etl_loads AS l ON l.load_id = c.load_id
WHERE (?1 IS NULL OR s.client_id = ?1)
  AND (?2 IS NULL OR c.changed_at >= ?2)
  AND coalesce(c.why, '') <> 'added by etlhost'
  AND (c.change <> 'add column' OR NOT EXISTS (
    SELECT 1 FROM _etl_schema_changes AS t
    WHERE t.load_id = c.load_id AND t.change = 'create table'
      AND t.table_schema = c.table_schema AND t.table_name = c.table_name))
ORDER BY c.change_id DESC
LIMIT CAST(coalesce(?3, '-1') AS INTEGER);
