-- Takes a value out of what is said about loads and schema changes. ?1 ids of loads, ?2 of changes,
-- as in "12,13"
SELECT (SELECT count(*) FROM _etl_loads
        WHERE load_id IN (SELECT value FROM json_each('[' || ?1 || ']')))
  + (SELECT count(*) FROM _etl_schema_changes
     WHERE change_id IN (SELECT value FROM json_each('[' || ?2 || ']'))) AS rows;
UPDATE _etl_loads SET error = 'erased'
WHERE load_id IN (SELECT value FROM json_each('[' || ?1 || ']'));
UPDATE _etl_schema_changes SET why = 'erased'
WHERE change_id IN (SELECT value FROM json_each('[' || ?2 || ']'));
