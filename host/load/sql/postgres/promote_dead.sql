-- A window's rows take the place of others, so what was dead of those and is dead again is kept once:
-- the earlier row, which has its number, at its place of now. As many as there are: rows without a key
-- may be the same, byte by byte. What the table refused has no place: sift_dead.sql does it. In front of
-- promote_window.sql. A full join is never a nested loop.
WITH mine AS MATERIALIZED (
  SELECT load_id, start_offset, end_offset FROM _etl.units
  WHERE stream_id = :stream AND generation = :pending AND dead > 0
), fresh AS MATERIALIZED (
  SELECT d.*, coalesce(d.column_name, '') AS of_column,
    row_number() OVER same AS nth, min(d.dead_id) OVER same AS alike
  FROM _etl.dead_rows AS d
  WHERE EXISTS (SELECT 1 FROM mine) AND d.stream_id = :stream AND d.status = 'dead'
    AND d.code <> 'refused_in_stage'
    AND EXISTS (SELECT 1 FROM mine AS m
                WHERE m.load_id = d.load_id
                  AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset)
  WINDOW same AS (PARTITION BY d.code, d.column_name, d.reason, d.raw ORDER BY d.dead_id)
), earlier AS MATERIALIZED (
  SELECT e.dead_id, f.alike,
    row_number() OVER (PARTITION BY f.alike ORDER BY e.dead_id) AS nth
  FROM fresh AS f
  FULL JOIN (
    SELECT dead_id, load_id, code, coalesce(column_name, '') AS of_column, reason, raw
    FROM _etl.dead_rows
    WHERE EXISTS (SELECT 1 FROM fresh) AND stream_id = :stream AND status = 'dead'
  ) AS e ON e.raw = f.raw AND e.code = f.code AND e.of_column = f.of_column
    AND e.reason = f.reason
  WHERE coalesce(f.nth = 1 AND e.load_id < (SELECT min(load_id) FROM _etl.units
                                            WHERE stream_id = :stream AND generation = :pending),
                 false)
), pair AS MATERIALIZED (
  SELECT e.dead_id AS kept, f.*
  FROM fresh AS f
  JOIN earlier AS e ON e.alike = f.alike AND e.nth = f.nth
), moved AS (
  UPDATE _etl.dead_rows AS d
  SET load_id = p.load_id, file = p.file, row_number = p.row_number, line = p.line,
    byte_offset = p.byte_offset
  FROM pair AS p WHERE d.dead_id = p.kept
)
DELETE FROM _etl.dead_rows AS d USING pair AS p WHERE d.dead_id = p.dead_id;
