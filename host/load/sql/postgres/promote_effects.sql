-- How many rows this load replaced. $1 load, $2 rows
UPDATE _etl.loads
SET effects = coalesce(effects, '{}') || jsonb_build_object('replaced',
  coalesce((effects ->> 'replaced')::bigint, 0) + $2::bigint)
WHERE load_id = $1
