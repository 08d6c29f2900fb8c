-- The statements that make a view what it is to be: the rows of all clients' tables of one name, by
-- column name, with null where a table lacks the column; none when it is so. Columns that the view
-- has stay in front, so that it can be replaced in place; a column whose types differ gets the
-- narrowest type of its kind, or is text, spelt as etlhost spells values.
-- $1 schema of the view, which is there, $2 its name, $3 row security by client was asked for
WITH server AS (
  SELECT current_setting('server_version_num')::integer >= 150000 AS invokes
), present AS (
  SELECT c.oid, c.relowner, c.relacl, c.relkind = 'v'
      AND coalesce(obj_description(c.oid, 'pg_class') LIKE 'Made by etlhost%', false) AS is_ours
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = $2::text
), refusal AS (
  SELECT format('%s.%s is not made the view of all clients'' %s: something else has that name',
                $1, $2, $2) AS text
  FROM present AS p
  WHERE NOT p.is_ours
  UNION ALL
  SELECT format('%s.%s is not made: before PostgreSQL 15 a view reads with the rights of its '
                'owner, so it would show all clients'' rows', $1, $2)
  FROM server AS v
  WHERE NOT v.invokes AND ($3::boolean OR EXISTS (
    SELECT FROM pg_namespace AS n
    WHERE n.nspname = $1 AND (has_schema_privilege('public', n.oid, 'USAGE') OR EXISTS (
      SELECT FROM pg_roles AS r
      WHERE r.rolname = 'anon' AND has_schema_privilege(r.oid, n.oid, 'USAGE')))))
), member AS (
  SELECT c.oid, n.nspname AS schema, row_number() OVER (ORDER BY n.nspname) AS n
  FROM _etl.client_tables AS k
  JOIN pg_namespace AS n ON n.nspname = k.table_schema
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = k.table_name
  WHERE k.view_schema = $1 AND k.table_name = $2
), col AS (
  SELECT m.oid, m.n * 10000 + a.attnum AS place, a.attname AS name, a.atttypid AS type_id,
    format_type(a.atttypid, a.atttypmod) AS type
  FROM member AS m
  JOIN pg_attribute AS a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped
), shape AS (
  SELECT c.name, min(c.place) AS place,
    (SELECT a.attnum FROM present AS p
     JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum > 0 AND a.attname = c.name) AS was_at,
    CASE
      WHEN count(DISTINCT c.type) = 1 THEN min(c.type)
      WHEN count(DISTINCT c.type_id) = 1 THEN min(format_type(c.type_id, NULL))
      WHEN bool_and(c.type_id IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) THEN 'bigint'
      WHEN bool_and(c.type_id IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                                  'numeric'::regtype)) THEN 'numeric'
      WHEN bool_and(c.type_id IN ('float4'::regtype, 'float8'::regtype)) THEN 'double precision'
      ELSE 'text'
    END AS type
  FROM col AS c
  GROUP BY c.name
), part AS (
  SELECT m.n, format('SELECT %s FROM %I.%I AS t', string_agg(
    CASE
      WHEN c.name IS NULL THEN format('NULL::%s AS %I', s.type, s.name)
      WHEN c.type = s.type THEN format('t.%I', s.name)
      WHEN s.type = 'text' AND EXISTS (
        SELECT FROM pg_proc AS f
        WHERE f.pronamespace = '_etl'::regnamespace AND f.proname = 'as_text'
          AND f.proargtypes[0] = c.type_id) THEN format('_etl.as_text(t.%I) AS %I', s.name, s.name)
      ELSE format('t.%I::%s AS %I', s.name, s.type, s.name)
    END, ', ' ORDER BY s.was_at NULLS LAST, s.place), m.schema, $2) AS text
  FROM member AS m
  CROSS JOIN shape AS s
  LEFT JOIN col AS c ON c.oid = m.oid AND c.name = s.name
  GROUP BY m.n, m.schema
), definition AS (
  SELECT format('CREATE OR REPLACE VIEW %I.%I%s AS %s', $1, $2,
                CASE WHEN v.invokes THEN ' WITH (security_invoker = true)' ELSE '' END,
                string_agg(p.text, ' UNION ALL ' ORDER BY p.n)) AS text
  FROM part AS p
  CROSS JOIN server AS v
  GROUP BY v.invokes
), known AS (
  SELECT k.definition, k.grants FROM _etl.views AS k WHERE k.view_schema = $1 AND k.view_name = $2
), fate AS (
  SELECT d.text,
    EXISTS (SELECT FROM present AS p
            JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum > 0
            LEFT JOIN shape AS s ON s.name = a.attname
            WHERE s.type IS DISTINCT FROM format_type(a.atttypid, a.atttypmod)) AS must_go
  FROM definition AS d
  WHERE NOT EXISTS (SELECT FROM refusal)
    AND NOT EXISTS (SELECT FROM known AS k WHERE k.definition = d.text
                    AND EXISTS (SELECT FROM present))
), task AS (
  SELECT 0 AS n, false AS is_statement, min(r.text) AS text
  FROM refusal AS r
  HAVING count(*) > 0
  UNION ALL
  SELECT 3, true, format('DROP VIEW %I.%I', $1, $2) FROM fate AS f WHERE f.must_go
  UNION ALL
  SELECT 4, true, f.text FROM fate AS f
  UNION ALL
  SELECT 5, true, format('COMMENT ON VIEW %I.%I IS %L', $1, $2, format(
    'Made by etlhost: the rows of all clients'' tables "%s". A view without this comment is left '
    'as it is.', $2))
  FROM fate AS f
  UNION ALL
  SELECT 6, true, format('GRANT %s ON %I.%I TO %s%s', x.privilege_type, $1, $2,
    CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
    CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM fate AS f
  CROSS JOIN present AS p
  CROSS JOIN aclexplode(p.relacl) AS x
  WHERE f.must_go AND x.grantee <> p.relowner
  UNION ALL
  SELECT 7, true, g.text
  FROM fate AS f
  CROSS JOIN known AS k
  CROSS JOIN unnest(k.grants) AS g (text)
  UNION ALL
  SELECT 8, true, format(
    'INSERT INTO _etl.views (view_schema, view_name, definition) VALUES (%L, %L, %L) '
    'ON CONFLICT (view_schema, view_name) DO UPDATE SET definition = excluded.definition, '
    'grants = NULL', $1, $2, f.text)
  FROM fate AS f
)
SELECT t.is_statement, t.text FROM task AS t ORDER BY t.n
