-- An adoption of a table that was not undone. $1 schema, $2 table
SELECT a.stream_id, a.client_id, s.instance, s.resource, a.load_id, a.index_name,
  EXISTS (SELECT FROM pg_index AS i
          JOIN pg_class AS c ON c.oid = i.indexrelid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname = $1 AND c.relname = a.index_name AND i.indisvalid) AS has_index
FROM _etl.adoptions AS a
JOIN _etl.streams AS s USING (stream_id)
WHERE a.table_schema = $1 AND a.table_name = $2 AND a.undone_at IS NULL
