-- $1 schema, $2 table
SELECT c.oid::bigint, c.relkind,
  coalesce(has_table_privilege(c.oid, 'SELECT'), false)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
