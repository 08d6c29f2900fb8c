-- The columns of all tables that etlhost loads and that name a client, stages too.
SELECT t.table_schema, t.table_name, c.attname AS column_name
FROM (SELECT table_schema, table_name FROM _etl.columns
      UNION SELECT table_schema, table_name FROM _etl.streams
      UNION SELECT '_etl', 'stage_' || stream_id FROM _etl.streams
      UNION SELECT '_etl', 'stage_' || stream_id || '_file' FROM _etl.streams
      UNION SELECT '_etl', c.relname FROM _etl.streams AS s
        JOIN pg_class AS c ON c.relnamespace = '_etl'::regnamespace
          AND c.relname ~ ('^stage_' || s.stream_id || '(_file)?_[0-9a-f]{8}$')) AS t
JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', t.table_schema, t.table_name))
  AND a.attname = '_client_id' AND NOT a.attisdropped
JOIN pg_attribute AS c ON c.attrelid = a.attrelid AND c.attnum > 0 AND NOT c.attisdropped
ORDER BY t.table_schema, t.table_name, c.attnum
