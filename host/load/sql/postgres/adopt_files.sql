-- Files whose rows are in an adopted table already. $1 stream, $2 load, $3 client, $4 a JSON list of
-- { input, name, size, modified_us }
WITH known AS (
  SELECT f.input, f.name, f.size, timestamptz 'epoch' + f.modified_us * interval '1 us' AS modified
  FROM jsonb_to_recordset($4::jsonb)
    AS f (input text, name text, size bigint, modified_us bigint)
), file AS (
  INSERT INTO _etl.files (stream_id, client_id, input, name, size, modified_at, first_load_id)
  SELECT $1::bigint, $3, k.input, k.name, k.size, k.modified, $2::bigint FROM known AS k
  ON CONFLICT DO NOTHING
)
INSERT INTO _etl.units (stream_id, client_id, input, start_offset, end_offset, row_start, row_end,
                        line_end, rows, dead, is_last, load_id)
SELECT DISTINCT ON (k.input) $1::bigint, $3, k.input, 0, k.size, 0, 0, 0, 0, 0, true, $2::bigint
FROM known AS k
ON CONFLICT DO NOTHING
