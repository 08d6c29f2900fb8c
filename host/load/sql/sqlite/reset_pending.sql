-- Forgets what waits in a stage to take the place of other rows; the stage goes with the next load.
-- ?1 stream
DELETE FROM _etl_units
WHERE stream_id = CAST(?1 AS INTEGER)
  AND generation <> (SELECT generation FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER));
SELECT changes() AS units;
DELETE FROM _etl_files
WHERE stream_id = CAST(?1 AS INTEGER)
  AND generation <> (SELECT generation FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER));
