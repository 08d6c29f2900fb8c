-- Takes a value out of what is said about loads and schema changes. $1 ids of loads, $2 of changes,
-- as in "12,13"
WITH load AS (
  UPDATE _etl.loads SET error = 'erased'
  WHERE load_id = ANY (string_to_array($1, ',')::bigint[]) RETURNING 1
), change AS (
  UPDATE _etl.schema_changes SET why = 'erased'
  WHERE change_id = ANY (string_to_array($2, ',')::bigint[]) RETURNING 1
)
SELECT (SELECT count(*) FROM load) + (SELECT count(*) FROM change) AS rows
