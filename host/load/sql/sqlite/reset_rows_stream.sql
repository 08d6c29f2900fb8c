-- Deletes the rows of a stream without a client: those that its loads brought. ?1 stream
DELETE FROM :"table" AS t
WHERE t."_load_id" IN (SELECT mine.load_id FROM _etl_loads AS mine
                        WHERE mine.stream_id = CAST(?1 AS INTEGER));
SELECT changes() AS rows;
