-- The columns of all tables that etlhost loads and that name a client, stages too.
SELECT t.table_schema, t.table_name, c.name AS column_name
FROM (SELECT table_schema, table_name FROM _etl_columns
      UNION SELECT table_schema, table_name FROM _etl_streams
      UNION SELECT 'main', '_etl_stage_' || stream_id FROM _etl_streams
      UNION SELECT 'main', '_etl_stage_' || stream_id || '_file' FROM _etl_streams
      UNION SELECT 'main', c.name FROM _etl_streams AS s
        JOIN sqlite_master AS c
          ON c.name GLOB '_etl_stage_' || s.stream_id || '_[0-9a-f]*'
          OR c.name GLOB '_etl_stage_' || s.stream_id || '_file_[0-9a-f]*') AS t
JOIN pragma_table_info(t.table_name) AS c
WHERE EXISTS (SELECT 1 FROM sqlite_master AS m
              WHERE m.type = 'table' AND m.name = t.table_name COLLATE NOCASE)
  AND EXISTS (SELECT 1 FROM pragma_table_info(t.table_name) AS a WHERE a.name = '_client_id')
ORDER BY t.table_schema, t.table_name, c.cid;
