-- Deletes the rows of a stream: its client's and its source's, but not those that another stream loaded.
-- ?1 stream, ?2 client, ?3 instance
DELETE FROM :"table" AS t
WHERE t."_client_id" = ?2 AND t."_source" = ?3
  AND NOT EXISTS (SELECT 1 FROM _etl_loads AS other
                  WHERE other.load_id = t."_load_id" AND other.stream_id <> CAST(?1 AS INTEGER));
SELECT changes() AS rows;
