-- Deletes the rows of a stream that came from a file, whatever its content was called then.
-- $1 stream, $2 file
WITH gone AS (
  DELETE FROM :"schema".:"table" AS t
  WHERE (t."_load_id", t."_file") IN (
    SELECT u.load_id, n.name
    FROM _etl.files AS f
    JOIN _etl.files AS n
      ON n.stream_id = f.stream_id AND n.generation = f.generation AND n.input = f.input
    JOIN _etl.units AS u
      ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
    WHERE f.stream_id = $1::bigint AND f.name = $2)
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
