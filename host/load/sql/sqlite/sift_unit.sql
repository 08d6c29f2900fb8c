-- A row of a stage is dead for its unit, too. ?1 stream, ?2 generation of the stage, ?3 load, ?4 file,
-- ?5 row, ?6 the file has rows
UPDATE _etl_units SET rows = rows - 1, dead = dead + 1
WHERE (stream_id, input, start_offset) = (
  SELECT o.stream_id, o.input, o.start_offset FROM _etl_units AS o
  LEFT JOIN _etl_files AS f
    ON f.stream_id = o.stream_id AND f.generation = o.generation AND f.input = o.input
  WHERE o.stream_id = ?1 AND o.generation = ?2 AND o.load_id = ?3 AND o.rows > 0
    AND (NOT ?6 OR f.name = ?4 AND o.row_start < ?5 AND o.row_end >= ?5)
  ORDER BY o.start_offset LIMIT 1);
