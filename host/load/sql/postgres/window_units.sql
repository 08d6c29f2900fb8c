-- Where the units of a window that were committed without a gap end, and where reading goes on.
-- $1 stream, $2 generation, $3 input, $4 where it begins
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
WHERE u.whole
ORDER BY u.start_offset DESC
LIMIT 1
