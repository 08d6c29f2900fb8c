-- $1 stream, $2 error
UPDATE _etl.loads AS l SET status = 'cancelled', error = $2, finished_at = now(),
  rows_loaded = (SELECT coalesce(sum(u.rows), 0) FROM _etl.units AS u WHERE u.load_id = l.load_id),
  rows_dead = (SELECT coalesce(sum(u.dead), 0) FROM _etl.units AS u WHERE u.load_id = l.load_id)
WHERE l.stream_id = $1 AND l.status = 'running'
