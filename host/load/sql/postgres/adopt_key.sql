-- The key that dlt's latest schema declares for a table. $1 table
SELECT k.key AS name
FROM (SELECT v.schema::jsonb #> ARRAY['tables', $1, 'columns'] AS columns
      FROM :"schema"._dlt_version AS v
      WHERE v.schema::jsonb -> 'tables' ? $1
      ORDER BY v.inserted_at DESC LIMIT 1) AS s,
  jsonb_each(s.columns) AS k
WHERE k.value ->> 'primary_key' = 'true'
