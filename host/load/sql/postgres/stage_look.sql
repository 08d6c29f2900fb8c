-- Are a table and its stage there, and have they the same columns? And which are those.
-- $1 schema, $2 table, $3 stage
WITH col AS (
  SELECT n.nspname = '_etl' AND c.relname = $3 AS staged, a.attname, a.atttypid, a.atttypmod
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE (n.nspname = $1 AND c.relname = $2 OR n.nspname = '_etl' AND c.relname = $3)
    AND a.attgenerated = '' AND a.attidentity <> 'a'
)
SELECT count(*) FILTER (WHERE NOT staged) > 0, count(*) FILTER (WHERE staged) > 0,
  NOT EXISTS (SELECT 1 FROM col AS k GROUP BY k.attname, k.atttypid, k.atttypmod
              HAVING count(*) <> 2),
  string_agg(format('%I', attname), ', ' ORDER BY attname) FILTER (WHERE staged)
FROM col
