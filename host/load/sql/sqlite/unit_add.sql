-- ?1 stream, ?2 client, ?3 input, ?4 start, ?5 end, ?6 row start, ?7 row end, ?8 line end, ?9 rows,
-- ?10 dead, ?11 last, ?12 header, ?13 load, ?14 now, ?15 effects, ?16 generation,
-- ?17 position
INSERT INTO _etl_units (stream_id, client_id, input, start_offset, end_offset, row_start, row_end,
                        line_end, rows, dead, is_last, header, load_id, committed_at, effects,
                        generation, position)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17);
