-- The rows of a stream with the project that they have and the one that is due: the beginning of a
-- statement. Parameters as in project_count.sql
WITH rule AS (
  SELECT r.n, r.rule ->> 'pattern' AS pattern, r.rule ->> 'project' AS project,
    r.rule -> 'lookup' AS lookup, r.rule ->> 'field' AS field,
    (SELECT min(a.attname::text) FROM pg_attribute AS a
     LEFT JOIN _etl.columns AS k ON k.table_schema = :'schema' AND k.table_name = :'table'
       AND k.column_name = a.attname
     WHERE a.attrelid = format('%I.%I', :'schema', :'table')::regclass AND a.attnum > 0
       AND NOT a.attisdropped
       AND r.rule ->> 'field' IN (a.attname, coalesce(k.written_name, a.attname))) AS name
  FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS r (rule, n)
), due AS (
  SELECT u.tableoid AS of, u.ctid AS at, (
    SELECT f.project
    FROM rule AS r
    CROSS JOIN LATERAL (SELECT to_jsonb(u) ->> r.name AS text) AS v
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN r.field IS NULL THEN r.project
        -- * is any text, ? one character; what LIKE means by its signs is escaped
        WHEN r.pattern IS NOT NULL AND v.text LIKE
          translate(regexp_replace(r.pattern, '([%_\\])', '\\\1', 'g'), '*?', '%_') IS NOT TRUE
          THEN NULL
        WHEN r.lookup IS NOT NULL THEN r.lookup ->> v.text
        WHEN v.text IS NOT NULL THEN r.project
      END AS project
    ) AS f
    WHERE f.project IS NOT NULL
    ORDER BY r.n
    LIMIT 1) AS project, to_jsonb(u) ->> '_project' AS before
  FROM :"schema".:"table" AS u
  WHERE u._client_id = $2 AND u._source = $3
    -- streams that share a table are told apart by what loaded the row last
    AND (NOT EXISTS (
        SELECT FROM _etl.streams AS s
        WHERE s.client_id = $2 AND s.instance = $3 AND s.table_schema = :'schema'
          AND s.table_name = :'table' AND s.stream_id <> $1::bigint)
      OR u._load_id IN (SELECT l.load_id FROM _etl.loads AS l WHERE l.stream_id = $1::bigint))
)
