-- The schema of the view that a table belongs to. $1 schema, $2 table
SELECT k.view_schema FROM _etl.client_tables AS k
WHERE k.table_schema = $1 AND k.table_name = $2
ORDER BY k.view_schema
LIMIT 1
