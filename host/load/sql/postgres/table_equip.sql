-- The statements that give a table what it is to have beside its columns: one a row, in their order,
-- none when it has all. Where etlhost did not make the table, what is left undone is said instead.
-- $1 schema, $2 table, $3 with an index, $4 the column that is third in it or NULL, $5 with row
-- security by client
WITH this AS (
  SELECT c.oid, n.nspname, c.relname, c.relrowsecurity,
    EXISTS (SELECT FROM _etl.schema_changes AS s
            WHERE s.table_schema = $1 AND s.table_name = $2 AND s.change = 'create table') AS is_ours,
    EXISTS (SELECT FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = '_client_id' AND NOT a.attisdropped)
      AS has_client,
    (SELECT array_agg(w.name ORDER BY w.n)
     FROM (VALUES (1, '_client_id'), (2, '_source'), (3, $4::text)) AS w (n, name)
     JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
       AND a.atttypid <> 'json'::regtype) AS wanted
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
), task AS (
  SELECT 1 AS n, true AS is_statement,
    format('CREATE INDEX ON %I.%I (%s)', t.nspname, t.relname,
           (SELECT string_agg(quote_ident(w.name), ', ' ORDER BY w.n)
            FROM unnest(t.wanted) WITH ORDINALITY AS w (name, n))) AS text
  FROM this AS t
  -- Nobody writes while it is made: a large table is left to its owner.
  WHERE $3::boolean AND t.is_ours AND t.has_client AND pg_table_size(t.oid) < 2000000000
    AND NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = t.oid AND i.indisvalid AND i.indpred IS NULL
      AND (SELECT array_agg(a.attname::text ORDER BY k.n)
           FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
           JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.attnum
           WHERE k.n <= cardinality(t.wanted)) = t.wanted)
  UNION ALL
  SELECT 2, true, format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', t.nspname, t.relname)
  FROM this AS t
  WHERE $5::boolean AND t.is_ours AND t.has_client AND NOT t.relrowsecurity
  UNION ALL
  SELECT 3, true, format(
    'CREATE POLICY etlhost_by_client ON %I.%I FOR SELECT '
      'USING (_client_id = current_setting(''etlhost.client_id'', true))', t.nspname, t.relname)
  FROM this AS t
  WHERE $5::boolean AND t.is_ours AND t.has_client AND NOT EXISTS (
    SELECT FROM pg_policy AS p WHERE p.polrelid = t.oid AND p.polname = 'etlhost_by_client')
  UNION ALL
  SELECT 4, false, format('row_security: by_client is not for %s.%s, which etlhost did not make: '
    'turn row-level security on yourself', t.nspname, t.relname)
  FROM this AS t
  WHERE $5::boolean AND NOT t.is_ours AND NOT t.relrowsecurity
)
SELECT k.is_statement, k.text FROM task AS k ORDER BY k.n
