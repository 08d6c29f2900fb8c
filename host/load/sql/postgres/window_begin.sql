-- A window begins, or goes on. What an earlier attempt read of it from some place on is read again:
-- so are its dead rows. $1 stream, $2 epoch, $3 the window, $4 the earlier attempt, $5 that place,
-- $6 where its units that count end, NULL: none is forgotten, $7 the cursor, NULL: as it was
WITH stream AS (
  UPDATE _etl.streams SET pending = $3::jsonb, cursor = coalesce($7::jsonb, cursor)
  WHERE stream_id = $1::bigint AND epoch = $2::bigint
  RETURNING stream_id
), dead AS (
  UPDATE _etl.dead_rows AS d SET status = 'discarded', resolved_at = now()
  FROM stream AS s
  WHERE d.stream_id = s.stream_id AND d.status = 'dead' AND d.byte_offset >= $5::bigint
    AND EXISTS (SELECT 1 FROM _etl.units AS u
                WHERE u.stream_id = d.stream_id AND u.input = $4 AND u.load_id = d.load_id
                  AND d.byte_offset >= u.start_offset AND d.byte_offset < u.end_offset)
), unit AS (
  DELETE FROM _etl.units AS u USING stream AS s
  WHERE u.stream_id = s.stream_id AND u.input = $4 AND u.start_offset >= $6::bigint
)
SELECT count(*) AS streams FROM stream
