-- A window is complete. $1 stream, $2 the cursor from now on, NULL: as it was
UPDATE _etl.streams SET cursor = coalesce($2::jsonb, cursor), pending = NULL WHERE stream_id = $1
