-- Deletes dead rows. $1 their ids, as in "12,13"
WITH gone AS (
  DELETE FROM _etl.dead_rows WHERE dead_id = ANY (string_to_array($1, ',')::bigint[]) RETURNING 1
)
SELECT count(*) AS rows FROM gone
