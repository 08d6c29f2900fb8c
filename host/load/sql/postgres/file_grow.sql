-- A file has grown: what was loaded of the old content ($4) is the beginning of the new one ($5).
-- $1 stream, $2 epoch, $3 generation, $6 size, $7 name
WITH stream AS (
  SELECT s.stream_id FROM _etl.streams AS s
  WHERE s.stream_id = $1::bigint AND s.epoch = $2::bigint
  FOR UPDATE
), unit AS (
  UPDATE _etl.units AS u SET input = $5, is_last = false
  FROM stream AS s
  WHERE u.stream_id = s.stream_id AND u.generation = $3::bigint AND u.input = $4
  RETURNING u.input
), file AS (
  UPDATE _etl.files AS f SET input = $5, size = $6::bigint
  FROM stream AS s
  WHERE f.stream_id = s.stream_id AND f.generation = $3::bigint AND f.input = $4 AND f.name = $7
)
SELECT count(*) AS units FROM unit
