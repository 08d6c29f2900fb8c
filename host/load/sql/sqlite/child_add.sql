-- A table is one of child rows. ?1 schema, ?2 table, ?3 parent, ?4 field, ?5 load
INSERT INTO _etl_child_tables (table_schema, table_name, parent_name, field, load_id)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (table_schema, table_name) DO UPDATE
SET parent_name = excluded.parent_name, field = excluded.field, load_id = excluded.load_id;
