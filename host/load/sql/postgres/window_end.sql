-- A window is complete, and so are its units. $1 stream, $2 epoch, $3 the cursor from now on, NULL: as
-- it was, $4 load, $5 how many units of the load have committed
WITH unit AS (
  SELECT count(*) AS n FROM _etl.units WHERE load_id = $4::bigint
), stream AS (
  UPDATE _etl.streams AS s SET cursor = coalesce($3::jsonb, s.cursor), pending = NULL
  FROM unit AS u
  WHERE s.stream_id = $1::bigint AND s.epoch = $2::bigint AND u.n >= $5::bigint
  RETURNING s.stream_id
)
SELECT (SELECT count(*) FROM stream) AS streams, (SELECT n FROM unit) AS units
