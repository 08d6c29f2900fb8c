-- A window is complete, and so are its units. $1 stream, $2 epoch, $3 the cursor from now on, NULL: as
-- it was, $4 load, $5 how many units of the load have committed, $6 generation, $7 the window: of its
-- dead rows those go that are open already, with the same bytes and for the same reason. (Rows that
-- are put by their key: the same record, read again.) A full join is never a nested loop, which would
-- compare each of them with every open one.
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
  SELECT d.dead_id, d.code, coalesce(d.column_name, '') AS column_name, d.reason, d.raw
  FROM _etl.dead_rows AS d
  WHERE EXISTS (SELECT 1 FROM mine) AND d.stream_id = $1::bigint AND d.status = 'dead'
    AND EXISTS (SELECT 1 FROM mine AS m
                WHERE m.load_id = d.load_id
                  AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset)
), twice AS (
  SELECT f.dead_id
  FROM fresh AS f
  FULL JOIN (
    SELECT dead_id, code, coalesce(column_name, '') AS column_name, reason, raw
    FROM _etl.dead_rows
    WHERE EXISTS (SELECT 1 FROM fresh) AND stream_id = $1::bigint AND status = 'dead'
  ) AS e ON e.raw = f.raw AND e.code = f.code AND e.column_name = f.column_name
    AND e.reason = f.reason
  WHERE coalesce(e.dead_id < f.dead_id, false)
), gone AS (
  DELETE FROM _etl.dead_rows WHERE dead_id IN (SELECT dead_id FROM twice)
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT n FROM unit) AS units
