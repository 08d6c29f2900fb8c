-- Forgets what a stream has loaded, its cursor too, so that its inputs load again. The rows that
-- are in the table stay. ?1 stream
SELECT
  (SELECT count(*) FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER)) AS streams,
  (SELECT count(*) FROM _etl_units WHERE stream_id = CAST(?1 AS INTEGER)) AS units,
  (SELECT coalesce(sum(rows), 0) FROM _etl_units
   WHERE stream_id = CAST(?1 AS INTEGER)) AS rows,
  (SELECT count(DISTINCT name) FROM _etl_files WHERE stream_id = CAST(?1 AS INTEGER)) AS files;
UPDATE _etl_streams SET cursor = NULL, pending = NULL WHERE stream_id = CAST(?1 AS INTEGER);
DELETE FROM _etl_units WHERE stream_id = CAST(?1 AS INTEGER);
DELETE FROM _etl_files WHERE stream_id = CAST(?1 AS INTEGER);
