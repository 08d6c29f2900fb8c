-- Marks dead rows as discarded. $1: ids ("12,13"), or "all"
WITH marked AS (
  UPDATE _etl.dead_rows SET status = 'discarded', resolved_at = now()
  WHERE status = 'dead'
    AND ($1 = 'all'
         OR dead_id = ANY (string_to_array(nullif($1::text, 'all'), ',')::bigint[]))
  RETURNING dead_id
)
SELECT count(*) AS rows FROM marked
