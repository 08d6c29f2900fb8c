-- Forgets the contents that a stream loaded under one file name, so that they load again. The rows
-- that are in the table stay. The stream's row is locked: no lane is in the middle of a unit.
-- $1 stream, $2 file
WITH stream AS (
  UPDATE _etl.streams SET pending = pending
  WHERE stream_id = $1::bigint
  RETURNING stream_id
), input AS (
  SELECT DISTINCT f.input FROM _etl.files AS f
  JOIN stream AS s ON s.stream_id = f.stream_id
  WHERE f.name = $2
), unit AS (
  DELETE FROM _etl.units AS u USING stream AS s
  WHERE u.stream_id = s.stream_id AND u.input IN (SELECT input FROM input)
  RETURNING u.rows
), file AS (
  DELETE FROM _etl.files AS f USING stream AS s
  WHERE f.stream_id = s.stream_id AND f.input IN (SELECT input FROM input)
  RETURNING f.name
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT count(*) FROM unit) AS units,
  (SELECT coalesce(sum(rows), 0) FROM unit) AS rows,
  (SELECT count(DISTINCT name) FROM file) AS files
