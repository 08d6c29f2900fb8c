-- ?1 stream, ?2 epoch, ?3 cursor or NULL, ?4 now
UPDATE _etl_streams SET cursor = coalesce(?3, cursor), pending = NULL, last_success_at = ?4
WHERE stream_id = ?1 AND epoch = ?2;
