-- Deletes the rows of a stream that were loaded since a time. ?1 stream, ?2 time
DELETE FROM :"table" AS t
WHERE t."_load_id" IN (SELECT u.load_id FROM _etl_units AS u
                        WHERE u.stream_id = CAST(?1 AS INTEGER) AND u.committed_at >= ?2);
SELECT changes() AS rows;
