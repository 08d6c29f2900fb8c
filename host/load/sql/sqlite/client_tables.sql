-- The tables that may hold rows of a client: those of its streams and their stages, and all others
-- that etlhost loads and that name a client; whether a stream of somebody else loads them too. ?1 client
SELECT t.table_schema, t.table_name,
  EXISTS (SELECT 1 FROM _etl_streams AS s
          WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name
            AND s.client_id = ?1) AS is_own,
  EXISTS (SELECT 1 FROM _etl_streams AS s
          WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name
            AND s.client_id <> ?1) AS is_shared
FROM (SELECT table_schema, table_name FROM _etl_columns
      UNION SELECT table_schema, table_name FROM _etl_streams
      UNION SELECT 'main', '_etl_stage_' || stream_id FROM _etl_streams WHERE client_id = ?1
      UNION SELECT 'main', '_etl_stage_' || stream_id || '_file' FROM _etl_streams
        WHERE client_id = ?1
      UNION SELECT 'main', c.name FROM _etl_streams AS s
        JOIN sqlite_master AS c
          ON c.name GLOB '_etl_stage_' || s.stream_id || '_[0-9a-f]*'
          OR c.name GLOB '_etl_stage_' || s.stream_id || '_file_[0-9a-f]*'
        WHERE s.client_id = ?1) AS t
WHERE EXISTS (SELECT 1 FROM sqlite_master AS m
              WHERE m.type = 'table' AND m.name = t.table_name COLLATE NOCASE)
  AND EXISTS (SELECT 1 FROM pragma_table_info(t.table_name) AS c WHERE c.name = '_client_id')
ORDER BY t.table_schema, t.table_name;
