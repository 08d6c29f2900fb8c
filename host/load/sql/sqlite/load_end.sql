-- ?1 load, ?2 status, ?3 error or NULL, ?4 now
UPDATE _etl_loads SET status = ?2, error = ?3, finished_at = ?4,
  rows_loaded = (SELECT coalesce(sum(u.rows), 0) FROM _etl_units AS u WHERE u.load_id = ?1),
  rows_dead = (SELECT coalesce(sum(u.dead), 0) FROM _etl_units AS u WHERE u.load_id = ?1),
  effects = nullif(json_patch(coalesce(effects, '{}'), (
    SELECT json_group_object(e.what, e.rows)
    FROM (SELECT j.key AS what, sum(j.value) AS rows
          FROM _etl_units AS u, json_each(u.effects) AS j
          WHERE u.load_id = ?1
          GROUP BY j.key) AS e)), '{}')
WHERE load_id = ?1 AND status = 'running';
