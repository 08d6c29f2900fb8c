-- $1 load, $2 status, $3 error or NULL
UPDATE _etl.loads AS l SET status = $2, error = $3, finished_at = clock_timestamp(),
  rows_loaded = (SELECT coalesce(sum(u.rows), 0) FROM _etl.units AS u WHERE u.load_id = l.load_id),
  rows_dead = (SELECT coalesce(sum(u.dead), 0) FROM _etl.units AS u WHERE u.load_id = l.load_id),
  effects = nullif(coalesce(l.effects, '{}') || coalesce((
    SELECT jsonb_object_agg(e.what, e.rows)
    FROM (SELECT e.key AS what, sum(e.value::bigint) AS rows
          FROM _etl.units AS u, jsonb_each_text(u.effects) AS e
          WHERE u.load_id = l.load_id
          GROUP BY e.key) AS e), '{}'), '{}')
WHERE l.load_id = $1 AND l.status = 'running'
