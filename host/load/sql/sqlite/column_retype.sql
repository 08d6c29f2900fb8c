-- ?1 schema, ?2 table, ?3 column, ?4 written name (only where there is no record yet), ?5 type,
-- ?6 open by (likewise), ?7 load
INSERT INTO _etl_columns (table_schema, table_name, column_name, written_name, type, open_by,
                          load_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (table_schema, table_name, column_name) DO UPDATE
SET type = excluded.type, load_id = excluded.load_id;
