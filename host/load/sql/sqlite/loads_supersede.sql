-- ?1 stream, ?2 error, ?3 now
UPDATE _etl_loads SET status = 'cancelled', error = ?2, finished_at = ?3,
  rows_loaded = (SELECT coalesce(sum(u.rows), 0) FROM _etl_units AS u
                 WHERE u.load_id = _etl_loads.load_id),
  rows_dead = (SELECT coalesce(sum(u.dead), 0) FROM _etl_units AS u
               WHERE u.load_id = _etl_loads.load_id)
WHERE stream_id = ?1 AND status = 'running';
