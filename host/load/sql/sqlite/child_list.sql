-- All child tables that the bookkeeping knows.
SELECT table_schema, table_name, parent_name FROM _etl_child_tables ORDER BY 1, 2;
