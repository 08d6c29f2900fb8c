-- Forgets what a stream has loaded, its cursor too, so that its inputs load again. The rows that
-- are in the table stay. $1 stream
WITH stream AS (
  UPDATE _etl.streams SET cursor = NULL, pending = NULL
  WHERE stream_id = $1::bigint
  RETURNING stream_id
), unit AS (
  DELETE FROM _etl.units AS u USING stream AS s
  WHERE u.stream_id = s.stream_id
  RETURNING u.rows
), file AS (
  DELETE FROM _etl.files AS f USING stream AS s
  WHERE f.stream_id = s.stream_id
  RETURNING f.name
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT count(*) FROM unit) AS units,
  (SELECT coalesce(sum(rows), 0) FROM unit) AS rows,
  (SELECT count(DISTINCT name) FROM file) AS files
