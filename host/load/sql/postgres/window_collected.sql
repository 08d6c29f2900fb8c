-- The same as window_units.sql of rows that wait in a stage: they can be told apart by unit only, so
-- reading goes on behind one that ends with a page. $1 stream, $2 generation, $3 input, $4 its begin
SELECT u.end_offset, u.position
FROM (
  SELECT u.start_offset, u.end_offset, u.position,
    bool_and(u.whole) OVER (ORDER BY u.start_offset) AS whole
  FROM (
    SELECT start_offset, end_offset, position,
      start_offset = lag(end_offset, 1, $4::bigint) OVER (ORDER BY start_offset) AS whole
    FROM _etl.units
    WHERE stream_id = $1::bigint AND generation = $2::bigint AND input = $3
  ) AS u
) AS u
WHERE u.whole AND u.position ? 'value' AND (u.position ->> 'offset')::bigint = u.end_offset
ORDER BY u.start_offset DESC
LIMIT 1
