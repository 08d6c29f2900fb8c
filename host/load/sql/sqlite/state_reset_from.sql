-- Forgets what a stream has loaded since a time (ISO 8601, UTC), so that it loads again. The rows
-- that are in the table stay. Times are compared as text, which is their order. ?1 stream, ?2 time
SELECT
  (SELECT count(*) FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER)) AS streams,
  count(*) AS units,
  coalesce(sum(u.rows), 0) AS rows,
  (SELECT count(DISTINCT f.name) FROM _etl_files AS f
   WHERE f.stream_id = CAST(?1 AS INTEGER)
     AND f.input IN (SELECT input FROM _etl_units
                     WHERE stream_id = CAST(?1 AS INTEGER) AND committed_at >= ?2)) AS files
FROM _etl_units AS u
WHERE u.stream_id = CAST(?1 AS INTEGER) AND u.committed_at >= ?2;
UPDATE _etl_streams SET cursor = NULL, pending = NULL WHERE stream_id = CAST(?1 AS INTEGER);
DELETE FROM _etl_units WHERE stream_id = CAST(?1 AS INTEGER) AND committed_at >= ?2;
DELETE FROM _etl_files
WHERE stream_id = CAST(?1 AS INTEGER)
  AND NOT EXISTS (SELECT 1 FROM _etl_units AS u
                  WHERE u.stream_id = _etl_files.stream_id AND u.input = _etl_files.input);
