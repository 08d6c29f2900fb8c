-- What there is to know of a table before it is adopted, without rows when it is not there.
-- $1 schema, $2 table
SELECT c.relkind::text AS kind,
  pg_has_role(c.relowner, 'USAGE') AS is_owner,
  (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'not_null', a.attnotnull)
                    ORDER BY a.attnum)
   FROM pg_attribute AS a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text AS columns,
  (SELECT string_agg(format('%I.%I', n.nspname, k.relname), ', ' ORDER BY k.relname)
   FROM pg_class AS k
   WHERE k.relnamespace = n.oid AND k.relkind = 'r' AND starts_with(k.relname, c.relname || '__')
     AND EXISTS (SELECT FROM pg_attribute AS a
                 WHERE a.attrelid = k.oid AND a.attname = '_dlt_parent_id')) AS children,
  to_regclass(format('%I._dlt_pipeline_state', n.nspname)) IS NOT NULL AS has_state,
  to_regclass(format('%I._dlt_version', n.nspname)) IS NOT NULL AS has_schema,
  to_regclass('_etl.adoptions') IS NOT NULL AS has_books
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
