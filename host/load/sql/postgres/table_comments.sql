-- The statements that comment a table and its columns as they are declared, none when they are. One
-- that somebody else wrote, changed or took away is theirs. $1 schema, $2 table, $3 a JSON map: what
-- is said of the table under "", of columns under the name that is written or that of the column
WITH this AS (
  SELECT c.oid
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = $2::text AND pg_has_role(c.relowner, 'USAGE')
), place AS (
  SELECT t.oid, 0 AS number, '' AS name, '' AS written FROM this AS t
  UNION ALL
  SELECT t.oid, a.attnum, a.attname, coalesce(k.written_name, a.attname)
  FROM this AS t
  JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN _etl.columns AS k
    ON k.table_schema = $1 AND k.table_name = $2 AND k.column_name = a.attname
), wish AS (
  SELECT p.number, p.name, coalesce($3::jsonb ->> p.written, $3::jsonb ->> p.name) AS text,
    CASE WHEN p.number = 0 THEN obj_description(p.oid, 'pg_class')
      ELSE col_description(p.oid, p.number) END AS there,
    (SELECT c.comment FROM _etl.comments AS c
     WHERE c.table_schema = $1 AND c.table_name = $2 AND c.column_name = p.name) AS ours
  FROM place AS p
), due AS (
  SELECT w.number, w.name, w.text
  FROM wish AS w
  WHERE w.text IS NOT NULL AND w.text IS DISTINCT FROM w.there
    AND w.there IS NOT DISTINCT FROM w.ours
)
SELECT true, x.text
FROM due AS d
CROSS JOIN LATERAL (VALUES
  (1, CASE WHEN d.number = 0 THEN format('COMMENT ON TABLE %I.%I IS %L', $1, $2, d.text)
      ELSE format('COMMENT ON COLUMN %I.%I.%I IS %L', $1, $2, d.name, d.text) END),
  (2, format('INSERT INTO _etl.comments (table_schema, table_name, column_name, comment) '
             'VALUES (%L, %L, %L, %L) ON CONFLICT (table_schema, table_name, column_name) '
             'DO UPDATE SET comment = excluded.comment', $1, $2, d.name, d.text))) AS x (n, text)
ORDER BY d.number, x.n
