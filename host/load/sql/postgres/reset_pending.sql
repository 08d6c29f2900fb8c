-- Forgets what waits in a stage to take the place of other rows; the stage goes with the next load.
-- $1 stream
WITH stream AS (
  SELECT stream_id, generation FROM _etl.streams WHERE stream_id = $1::bigint
), unit AS (
  DELETE FROM _etl.units AS u USING stream AS s
  WHERE u.stream_id = s.stream_id AND u.generation <> s.generation
  RETURNING 1
), file AS (
  DELETE FROM _etl.files AS f USING stream AS s
  WHERE f.stream_id = s.stream_id AND f.generation <> s.generation
)
SELECT count(*) AS units FROM unit
