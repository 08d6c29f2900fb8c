-- The tables that may hold rows of a client: those of its streams and their stages, and all others
-- that etlhost loads and that name a client; whether a stream of somebody else loads them too, or a view over all
-- clients reads them. $1 client
SELECT t.table_schema, t.table_name,
  EXISTS (SELECT 1 FROM _etl.streams AS s
          WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name
            AND s.client_id = $1) AS is_own,
  EXISTS (SELECT 1 FROM _etl.streams AS s
          WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name
            AND s.client_id <> $1)
  OR EXISTS (SELECT 1 FROM _etl.client_tables AS v
             WHERE v.table_schema = t.table_schema AND v.table_name = t.table_name) AS is_shared
FROM (SELECT table_schema, table_name FROM _etl.columns
      UNION SELECT table_schema, table_name FROM _etl.streams
      UNION SELECT '_etl', 'stage_' || stream_id FROM _etl.streams WHERE client_id = $1
      UNION SELECT '_etl', 'stage_' || stream_id || '_file' FROM _etl.streams
        WHERE client_id = $1
      UNION SELECT '_etl', c.relname FROM _etl.streams AS s
        JOIN pg_class AS c ON c.relnamespace = '_etl'::regnamespace
          AND c.relname ~ ('^stage_' || s.stream_id || '(_file)?_[0-9a-f]{8}$')
        WHERE s.client_id = $1) AS t
JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', t.table_schema, t.table_name))
  AND a.attname = '_client_id' AND NOT a.attisdropped
ORDER BY t.table_schema, t.table_name
