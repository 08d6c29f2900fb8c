-- Which rows s of a stage break a constraint of their table: a condition for sift_find.sql. No value
-- where none can be written. The variables going and records_going are conditions themselves: which
-- rows t of this table, and of the records' table, are deleted. A row of the stage that has the same
-- unique values as one in front of it (placed) breaks the constraint, not that one.
WITH place AS (
  SELECT c.oid, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = :'schema' AND c.relname = :'table'
), records AS (
  SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = :'schema' AND c.relname = :'records'
), part AS (
  SELECT k, pg_get_indexdef(i.indexrelid, k, true) AS def,
    coalesce(pg_get_expr(i.indpred, i.indrelid, true), 'true') AS partial,
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS same_nulls
  FROM place
  JOIN pg_index AS i ON i.indrelid = place.oid AND i.indisunique
  JOIN pg_class AS x ON x.oid = i.indexrelid AND x.relname = :'constraint',
    generate_series(1, i.indnkeyatts::int) AS k
), twice AS (
  SELECT format($f$s.ctid IN (
      SELECT m.etl_at FROM (
        SELECT o.ctid AS etl_at, %1$s, row_number() OVER (PARTITION BY %2$s ORDER BY %10$s) AS etl_n
        FROM _etl.%3$I AS o WHERE (%4$s) AND (%5$s)
      ) AS m
      WHERE m.etl_n > 1 OR EXISTS (
        SELECT 1 FROM %6$I.%7$I AS t WHERE %8$s AND (%5$s) AND (%9$s) IS NOT TRUE))$f$,
    string_agg(format('(%s) AS etl_k%s', def, k), ', '), string_agg(format('(%s)', def), ', '),
    :'stage',
    string_agg(CASE WHEN same_nulls THEN 'true' ELSE format('(%s) IS NOT NULL', def) END, ' AND '),
    min(partial), :'schema', :'table',
    string_agg(format('(%s) %s m.etl_k%s', def,
                      CASE WHEN same_nulls THEN 'IS NOT DISTINCT FROM' ELSE '=' END, k), ' AND '),
    :'going', :'placed') AS test
  FROM part HAVING count(*) > 0
), link AS (
  SELECT f.confrelid, f.confrelid = records.oid AS to_records,
    string_agg(format('s.%I IS NOT NULL', a.attname), ' AND ') AS there,
    string_agg(format('t.%I = s.%I', b.attname, a.attname), ' AND ') AS same,
    string_agg(format('n.%I = s.%I', b.attname, a.attname), ' AND ') AS same_new
  FROM place
  JOIN pg_constraint AS f ON f.conrelid = place.oid AND f.contype = 'f' AND f.conname = :'constraint',
    records, unnest(f.conkey, f.confkey) AS pair (mine, other)
  JOIN pg_attribute AS a ON true
  JOIN pg_attribute AS b ON true
  WHERE a.attrelid = place.oid AND a.attnum = pair.mine
    AND b.attrelid = f.confrelid AND b.attnum = pair.other
  GROUP BY 1, 2
), missing AS (
  SELECT format('%s AND NOT EXISTS (SELECT 1 FROM %s AS t WHERE %s AND (%s) IS NOT TRUE)%s', there,
    confrelid::regclass, same, CASE WHEN to_records THEN :'records_going' ELSE 'false' END,
    CASE WHEN to_records AND :'records_stage' <> ''
      THEN format(' AND NOT EXISTS (SELECT 1 FROM _etl.%I AS n WHERE %s)', :'records_stage', same_new)
      ELSE '' END) AS test
  FROM link
), checked AS (
  SELECT format('NOT (%s)', pg_get_expr(c.conbin, c.conrelid, true)) AS test
  FROM place JOIN pg_constraint AS c
    ON c.conrelid = place.oid AND c.contype = 'c' AND c.conname = :'constraint'
), unset AS (
  SELECT format('s.%I IS NULL', :'column') AS test
  WHERE :'constraint' = '' AND :'column' <> ''
)
SELECT test FROM twice UNION ALL SELECT test FROM missing
UNION ALL SELECT test FROM checked UNION ALL SELECT test FROM unset;
