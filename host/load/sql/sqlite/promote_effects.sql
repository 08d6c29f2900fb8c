-- How many rows this load replaced. ?1 load, ?2 rows
UPDATE _etl_loads
SET effects = json_set(coalesce(effects, '{}'), '$.replaced',
  coalesce(json_extract(effects, '$.replaced'), 0) + ?2)
WHERE load_id = ?1;
