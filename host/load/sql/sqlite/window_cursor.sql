-- A window is complete. ?1 stream, ?2 the cursor from now on, NULL: as it was
UPDATE _etl_streams SET cursor = coalesce(?2, cursor), pending = NULL WHERE stream_id = ?1;
