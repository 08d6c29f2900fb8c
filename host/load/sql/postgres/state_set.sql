-- Sets a stream's cursor, if it still is what was shown. $1 stream, $2 cursor or NULL, $3 the old one
WITH changed AS (
  UPDATE _etl.streams SET cursor = $2::jsonb, pending = NULL, epoch = epoch + 1
  WHERE stream_id = $1::bigint AND cursor IS NOT DISTINCT FROM $3::jsonb
  RETURNING 1
)
SELECT count(*) AS streams FROM changed
