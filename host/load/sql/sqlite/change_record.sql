-- ?1 stream, ?2 load, ?3 schema, ?4 table, ?5 column, ?6 change, ?7 from, ?8 to, ?9 why, ?10 now
INSERT INTO _etl_schema_changes (stream_id, load_id, table_schema, table_name, column_name, change,
                                 from_type, to_type, why, changed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
