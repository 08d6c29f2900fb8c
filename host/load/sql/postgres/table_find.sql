-- A table, and who but its users could read it: nobody who has not logged in may. Supabase's role
-- for those is anon; PUBLIC is everybody. $1 schema, $2 table
SELECT c.oid::bigint, c.relkind,
  coalesce(has_table_privilege(c.oid, 'SELECT'), false),
  CASE
    WHEN c.relrowsecurity THEN NULL
    WHEN has_schema_privilege('public', n.oid, 'USAGE')
      AND has_any_column_privilege('public', c.oid, 'SELECT') THEN 'PUBLIC'
    ELSE (SELECT r.rolname FROM pg_roles AS r
          WHERE r.rolname = 'anon' AND has_schema_privilege(r.oid, n.oid, 'USAGE')
            AND has_any_column_privilege(r.oid, c.oid, 'SELECT'))
  END
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
