-- ?1 stream, ?2 client, ?3 load, ?4 file, ?5 row, ?6 line, ?7 offset, ?8 column, ?9 code,
-- ?10 reason, ?11 raw, ?12 now
INSERT INTO _etl_dead_rows (stream_id, client_id, load_id, file, row_number, line, byte_offset,
                            column_name, code, reason, raw, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);
