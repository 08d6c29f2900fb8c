-- What loads changed in the tables, latest first; columns of a table that the same load made, and
-- etlhost's own, only as a number. $1 client, $2 since (a time, UTC), $3 how many; NULL: all
SELECT to_char(c.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS changed_at,
  s.client_id, s.instance, s.resource, c.table_schema, c.table_name, c.column_name, c.change,
  c.from_type, c.to_type, c.why, l.run_id, l.pipeline,
  (SELECT count(*) FROM _etl.schema_changes AS a
   WHERE c.change = 'create table' AND a.load_id = c.load_id AND a.change = 'add column'
     AND a.table_schema = c.table_schema AND a.table_name = c.table_name) AS columns
FROM _etl.schema_changes AS c
LEFT JOIN _etl.streams AS s ON s.stream_id = c.stream_id
LEFT JOIN _etl.loads AS l ON l.load_id = c.load_id
WHERE ($1::text IS NULL OR s.client_id = $1)
  AND ($2::text IS NULL OR c.changed_at >= $2::timestamp AT TIME ZONE 'UTC')
  AND coalesce(c.why, '') <> 'added by etlhost'
  AND (c.change <> 'add column' OR NOT EXISTS (
    SELECT 1 FROM _etl.schema_changes AS t
    WHERE t.load_id = c.load_id AND t.change = 'create table'
      AND t.table_schema = c.table_schema AND t.table_name = c.table_name))
ORDER BY c.change_id DESC
LIMIT $3::bigint
