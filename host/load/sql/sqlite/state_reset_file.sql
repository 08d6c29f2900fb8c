-- Forgets the contents that a stream loaded under one file name, so that they load again. The rows
-- that are in the table stay. ?1 stream, ?2 file
SELECT
  (SELECT count(*) FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER)) AS streams,
  count(*) AS units,
  coalesce(sum(u.rows), 0) AS rows,
  (SELECT count(DISTINCT f.name) FROM _etl_files AS f
   WHERE f.stream_id = CAST(?1 AS INTEGER)
     AND f.input IN (SELECT input FROM _etl_files
                     WHERE stream_id = CAST(?1 AS INTEGER) AND name = ?2)) AS files
FROM _etl_units AS u
WHERE u.stream_id = CAST(?1 AS INTEGER)
  AND u.input IN (SELECT input FROM _etl_files
                  WHERE stream_id = CAST(?1 AS INTEGER) AND name = ?2);
DELETE FROM _etl_units
WHERE stream_id = CAST(?1 AS INTEGER)
  AND input IN (SELECT input FROM _etl_files
                WHERE stream_id = CAST(?1 AS INTEGER) AND name = ?2);
DELETE FROM _etl_files
WHERE stream_id = CAST(?1 AS INTEGER)
  AND input IN (SELECT input FROM _etl_files
                WHERE stream_id = CAST(?1 AS INTEGER) AND name = ?2);
