-- A row of a stage is a dead row from now on, also for its unit. $1 stream, $2 generation of the stage,
-- $3 client, $4 load, $5 file, $6 row, $7 column, $8 code, $9 reason, $10 raw, $11 the file has rows,
-- $12 the load that says so, $13 such a row takes the place of others, and comes again: one that is open
-- from an earlier run and is the same is kept instead, as often as there are
WITH unit AS (
  UPDATE _etl.units AS u SET rows = u.rows - 1, dead = u.dead + 1
  WHERE u.stream_id = $1::bigint AND u.generation = $2::bigint
    AND (u.input, u.start_offset) = (
      SELECT o.input, o.start_offset FROM _etl.units AS o
      LEFT JOIN _etl.files AS f
        ON f.stream_id = o.stream_id AND f.generation = o.generation AND f.input = o.input
      WHERE o.stream_id = $1::bigint AND o.generation = $2::bigint AND o.load_id = $4::bigint
        AND o.rows > 0
        AND (NOT $11::boolean
             OR f.name = $5 AND o.row_start < $6::bigint AND o.row_end >= $6::bigint)
      ORDER BY o.start_offset LIMIT 1)
), again AS (
  UPDATE _etl.dead_rows AS d SET load_id = $12::bigint, file = $5
  WHERE d.dead_id = (
    SELECT min(e.dead_id) FROM _etl.dead_rows AS e
    WHERE $13::boolean AND e.stream_id = $1::bigint AND e.status = 'dead' AND e.code = $8
      AND e.reason = $9 AND coalesce(e.column_name, '') = $7 AND e.raw = convert_to($10, 'UTF8')
      AND e.load_id < (SELECT min(u.load_id) FROM _etl.units AS u
                       WHERE u.stream_id = $1::bigint AND u.generation = $2::bigint))
  RETURNING d.dead_id
)
INSERT INTO _etl.dead_rows
  (stream_id, client_id, load_id, file, row_number, line, byte_offset, column_name, code, reason, raw)
SELECT $1::bigint, $3, $12::bigint, $5, $6::bigint, 0, 0, nullif($7, ''), $8, $9,
  convert_to($10, 'UTF8')
WHERE NOT EXISTS (SELECT 1 FROM again)
