-- A client's table belongs to a view from now on; tables that are gone no longer do.
-- $1 schema of the view, $2 schema of the table, $3 table, $4 stream
WITH gone AS (
  DELETE FROM _etl.client_tables AS k
  WHERE k.view_schema = $1 AND k.table_name = $3 AND NOT EXISTS (
    SELECT FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = k.table_schema AND c.relname = k.table_name)
)
INSERT INTO _etl.client_tables (view_schema, table_schema, table_name, client_id)
SELECT $1, $2, $3, s.client_id FROM _etl.streams AS s WHERE s.stream_id = $4::bigint
ON CONFLICT DO NOTHING
