-- ?1 schema, ?2 table, ?3 column, ?4 written name, ?5 type, ?6 open by stream or NULL, ?7 load
INSERT INTO _etl_columns (table_schema, table_name, column_name, written_name, type, open_by,
                          load_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (table_schema, table_name, column_name) DO UPDATE
SET written_name = excluded.written_name, type = excluded.type, open_by = excluded.open_by,
  load_id = excluded.load_id;
