-- Deletes dead rows. ?1 their ids, as in "12,13"
DELETE FROM _etl_dead_rows WHERE dead_id IN (SELECT value FROM json_each('[' || ?1 || ']'));
SELECT changes() AS rows;
