-- A window is complete, and so are its units. ?1 stream, ?2 epoch, ?3 the cursor from now on, NULL: as
-- it was, ?4 load, ?5 how many units of the load have committed
UPDATE _etl_streams SET cursor = coalesce(?3, cursor), pending = NULL
WHERE stream_id = CAST(?1 AS INTEGER) AND epoch = CAST(?2 AS INTEGER)
  AND (SELECT count(*) FROM _etl_units WHERE load_id = CAST(?4 AS INTEGER)) >= CAST(?5 AS INTEGER);
SELECT changes() AS streams,
  (SELECT count(*) FROM _etl_units WHERE load_id = CAST(?4 AS INTEGER)) AS units;
