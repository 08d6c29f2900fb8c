-- Deletes the rows of a stream that came from a file, whatever its content was called then.
-- ?1 stream, ?2 file
DELETE FROM :"table" AS t
WHERE (t."_load_id", t."_file") IN (
  SELECT u.load_id, n.name
  FROM _etl_files AS f
  JOIN _etl_files AS n
    ON n.stream_id = f.stream_id AND n.generation = f.generation AND n.input = f.input
  JOIN _etl_units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = CAST(?1 AS INTEGER) AND f.name = ?2);
SELECT changes() AS rows;
