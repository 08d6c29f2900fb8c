-- A window's rows take the place of others, so what was dead of those and is dead again is kept once:
-- the earlier row, which has its number, at its place of now. As many as there are: rows without a key
-- may be the same, byte by byte. What the table refused has no place: sift_again.sql does it. In front of
-- promote_window.sql.
WITH mine AS MATERIALIZED (
  SELECT load_id, start_offset, end_offset FROM _etl_units
  WHERE stream_id = :stream AND generation = :pending AND dead > 0
), fresh AS MATERIALIZED (
  SELECT d.*, row_number() OVER same AS nth, min(d.dead_id) OVER same AS alike
  FROM _etl_dead_rows AS d
  CROSS JOIN mine AS m ON m.load_id = d.load_id
    AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset
  WHERE EXISTS (SELECT 1 FROM mine) AND d.stream_id = :stream AND d.status = 'dead'
    AND d.code <> 'refused_in_stage'
  WINDOW same AS (PARTITION BY d.code, d.column_name, d.reason, d.raw ORDER BY d.dead_id)
), earlier AS MATERIALIZED (
  SELECT e.dead_id, f.alike,
    row_number() OVER (PARTITION BY f.alike ORDER BY e.dead_id) AS nth
  FROM _etl_dead_rows AS e
  CROSS JOIN fresh AS f ON f.raw = e.raw AND f.code = e.code AND f.reason = e.reason
    AND f.column_name IS e.column_name AND f.nth = 1
  WHERE EXISTS (SELECT 1 FROM fresh) AND e.stream_id = :stream AND e.status = 'dead'
    AND e.load_id < (SELECT min(load_id) FROM _etl_units
                     WHERE stream_id = :stream AND generation = :pending)
)
UPDATE _etl_dead_rows AS d
SET load_id = p.load_id, file = p.file, row_number = p.row_number, line = p.line,
  byte_offset = p.byte_offset
FROM (
  SELECT e.dead_id AS kept, f.load_id, f.file, f.row_number, f.line, f.byte_offset
  FROM fresh AS f
  JOIN earlier AS e ON e.alike = f.alike AND e.nth = f.nth
) AS p
WHERE d.dead_id = p.kept;
-- Now two are at one place.
DELETE FROM _etl_dead_rows
WHERE dead_id IN (
  SELECT twice.dead_id
  FROM (
    SELECT d.dead_id,
      row_number() OVER (PARTITION BY d.load_id, d.byte_offset ORDER BY d.dead_id) AS nth
    FROM _etl_dead_rows AS d
    CROSS JOIN (
      SELECT load_id, start_offset, end_offset FROM _etl_units
      WHERE stream_id = :stream AND generation = :pending AND dead > 0
    ) AS m ON m.load_id = d.load_id
      AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset
    WHERE d.stream_id = :stream AND d.status = 'dead' AND d.code <> 'refused_in_stage'
      AND EXISTS (SELECT 1 FROM _etl_units
                  WHERE stream_id = :stream AND generation = :pending AND dead > 0)
  ) AS twice
  WHERE twice.nth > 1
);
