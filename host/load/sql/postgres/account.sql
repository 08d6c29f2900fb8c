-- $1 stream, $2 client, $3 input, $4 name, $5 size, $6 modified, $7 load, $8 start, $9 end,
-- $10 row start, $11 row end, $12 line end, $13 rows, $14 dead, $15 last, $16 header,
-- $17 ids of the dead rows whose records the unit has ("12,13"), NULL for none,
-- $18 what became of the rows, NULL: they were appended, $19 generation,
-- $20 position, JSON or NULL
WITH file AS (
  INSERT INTO _etl.files (stream_id, client_id, generation, input, name, size, modified_at,
                          first_load_id)
  VALUES ($1, $2, $19, $3, $4, $5, $6, $7)
  ON CONFLICT DO NOTHING
), settled AS (
  UPDATE _etl.dead_rows
     SET status = 'resolved', resolved_at = now()
   WHERE $17::text IS NOT NULL
     AND stream_id = $1
     AND status = 'dead'
     AND dead_id = ANY (string_to_array($17::text, ',')::bigint[])
)
INSERT INTO _etl.units (stream_id, client_id, input, start_offset, end_offset, row_start, row_end,
                        line_end, rows, dead, is_last, header, load_id, effects, generation,
                        position)
VALUES ($1, $2, $3, $8, $9, $10, $11, $12, $13, $14, $15, $16, $7, $18, $19, $20::jsonb)
