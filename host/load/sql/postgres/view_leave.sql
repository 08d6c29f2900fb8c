-- A table that belongs to a view in one schema belongs to no other: from which ones did it go?
-- $1 schema of the view, $2 schema of the table, $3 table
DELETE FROM _etl.client_tables AS k
WHERE k.table_schema = $2::text AND k.table_name = $3::text AND k.view_schema <> $1::text
RETURNING k.view_schema
