-- Gives these rows another instance. Parameters as in move_rows_count.sql; $5 the new instance
WITH moved AS (
  UPDATE :"schema".:"table" SET _source = $5
  WHERE _client_id = $2 AND _source = $3
    AND ($4::boolean OR _load_id IN (SELECT load_id FROM _etl.loads WHERE stream_id = $1::bigint))
  RETURNING 1
)
SELECT count(*) AS rows FROM moved
