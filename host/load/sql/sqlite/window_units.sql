-- Where the units of a window that were committed without a gap end, and where reading goes on.
-- ?1 stream, ?2 generation, ?3 input, ?4 where it begins
SELECT u.end_offset, u.position
FROM (
  SELECT u.start_offset, u.end_offset, u.position,
    min(u.whole) OVER (ORDER BY u.start_offset) AS whole
  FROM (
    SELECT start_offset, end_offset, position,
      start_offset = lag(end_offset, 1, CAST(?4 AS INTEGER)) OVER (ORDER BY start_offset) AS whole
    FROM _etl_units
    WHERE stream_id = CAST(?1 AS INTEGER) AND generation = CAST(?2 AS INTEGER) AND input = ?3
  ) AS u
) AS u
WHERE u.whole = 1
ORDER BY u.start_offset DESC
LIMIT 1;
