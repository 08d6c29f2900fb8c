-- A window is complete, and so are its units. $1 stream, $2 epoch, $3 the cursor from now on, NULL: as
-- it was, $4 load, $5 how many units of the load have committed, $6 generation, $7 the window: of its
-- dead rows those go that are open from an earlier load, with the same bytes and for the same reason,
-- and as often. (Rows that are put by their key: the same records, read again.) A full join is never a
-- nested loop, which would compare each of them with every open one.
WITH unit AS (
  SELECT count(*) AS n FROM _etl.units WHERE load_id = $4::bigint
), stream AS (
  UPDATE _etl.streams AS s SET cursor = coalesce($3::jsonb, s.cursor), pending = NULL
  FROM unit AS u
  WHERE s.stream_id = $1::bigint AND s.epoch = $2::bigint AND u.n >= $5::bigint
  RETURNING s.stream_id
), mine AS MATERIALIZED (
  SELECT u.load_id, u.start_offset, u.end_offset
  FROM stream AS s
  JOIN _etl.units AS u ON u.stream_id = s.stream_id
  WHERE u.generation = $6::bigint AND u.input = $7 AND u.dead > 0
), fresh AS MATERIALIZED (
  SELECT d.dead_id, d.load_id, d.code, coalesce(d.column_name, '') AS of_column, d.reason, d.raw,
    row_number() OVER same AS nth, min(d.dead_id) OVER same AS alike
  FROM _etl.dead_rows AS d
  WHERE EXISTS (SELECT 1 FROM mine) AND d.stream_id = $1::bigint AND d.status = 'dead'
    AND EXISTS (SELECT 1 FROM mine AS m
                WHERE m.load_id = d.load_id
                  AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset)
  WINDOW same AS (PARTITION BY d.load_id, d.code, d.column_name, d.reason, d.raw
                  ORDER BY d.dead_id)
), earlier AS MATERIALIZED (
  SELECT f.alike, row_number() OVER (PARTITION BY f.alike ORDER BY e.dead_id) AS nth
  FROM fresh AS f
  FULL JOIN (
    SELECT dead_id, load_id, code, coalesce(column_name, '') AS of_column, reason, raw
    FROM _etl.dead_rows
    WHERE EXISTS (SELECT 1 FROM fresh) AND stream_id = $1::bigint AND status = 'dead'
  ) AS e ON e.raw = f.raw AND e.code = f.code AND e.of_column = f.of_column
    AND e.reason = f.reason
  WHERE coalesce(f.nth = 1 AND e.load_id < f.load_id, false)
), twice AS (
  SELECT f.dead_id
  FROM fresh AS f
  JOIN earlier AS e ON e.alike = f.alike AND e.nth = f.nth
), gone AS (
  DELETE FROM _etl.dead_rows WHERE dead_id IN (SELECT dead_id FROM twice)
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT n FROM unit) AS units
