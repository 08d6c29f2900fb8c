-- A table: who but its users could read it (nobody who has not logged in may: Supabase's role for
-- those is anon, and PUBLIC is everybody), and what stands between us and its rows.
-- $1 schema, $2 table
SELECT c.oid::bigint, c.relkind,
  coalesce(has_table_privilege(c.oid, 'SELECT'), false),
  CASE
    WHEN c.relrowsecurity THEN NULL
    WHEN has_schema_privilege('public', n.oid, 'USAGE')
      AND has_any_column_privilege('public', c.oid, 'SELECT') THEN 'PUBLIC'
    ELSE (SELECT r.rolname FROM pg_roles AS r
          WHERE r.rolname = 'anon' AND has_schema_privilege(r.oid, n.oid, 'USAGE')
            AND has_any_column_privilege(r.oid, c.oid, 'SELECT'))
  END,
  row_security_active(c.oid),
  row_security_active(c.oid) AND NOT EXISTS (
    SELECT FROM pg_policy AS p
    WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('a', '*')
      AND (p.polroles = '{0}' OR EXISTS (
        SELECT FROM unnest(p.polroles) AS r (oid) WHERE pg_has_role(r.oid, 'USAGE')))),
  NOT (has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'INSERT')),
  NOT pg_has_role(c.relowner, 'USAGE'),
  -- tgtype (pg_trigger.h): 1 for each row, 2 before, 4 insert
  EXISTS (SELECT FROM pg_trigger AS g
          WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
            AND g.tgtype & 7 = 7),
  (SELECT string_agg(g.tgname, ', ' ORDER BY g.tgname) FROM pg_trigger AS g
   WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
     AND g.tgtype & 4 = 4)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
