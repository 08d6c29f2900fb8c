-- Forgets what a stream has loaded since a time (ISO 8601, UTC), so that it loads again. The rows
-- that are in the table stay. $1 stream, $2 time
WITH stream AS (
  UPDATE _etl.streams SET cursor = NULL, pending = NULL
  WHERE stream_id = $1::bigint
  RETURNING stream_id
), unit AS (
  DELETE FROM _etl.units AS u USING stream AS s
  WHERE u.stream_id = s.stream_id AND u.committed_at >= $2::timestamptz
  RETURNING u.input, u.rows
), file AS (
  DELETE FROM _etl.files AS f USING stream AS s
  WHERE f.stream_id = s.stream_id
    AND NOT EXISTS (SELECT 1 FROM _etl.units AS u
                    WHERE u.stream_id = f.stream_id AND u.input = f.input
                      AND u.committed_at < $2::timestamptz)
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT count(*) FROM unit) AS units,
  (SELECT coalesce(sum(rows), 0) FROM unit) AS rows,
  (SELECT count(DISTINCT f.name) FROM _etl.files AS f
   WHERE f.stream_id = $1::bigint AND f.input IN (SELECT input FROM unit)) AS files
