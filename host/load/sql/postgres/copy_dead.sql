COPY _etl.dead_rows (stream_id, client_id, load_id, file, row_number, line, byte_offset,
                     column_name, code, reason, raw)
FROM STDIN (FORMAT binary);
