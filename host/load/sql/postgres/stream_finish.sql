-- $1 stream, $2 epoch, $3 cursor or NULL
UPDATE _etl.streams SET cursor = coalesce($3::jsonb, cursor), pending = NULL,
  last_success_at = clock_timestamp()
WHERE stream_id = $1 AND epoch = $2
RETURNING stream_id
