-- What prune.sql would delete. $1 resolved and discarded dead rows, $2 open ones, $3 loads: kept for
-- so many seconds, NULL for ever
SELECT
  (SELECT count(*) FROM _etl.dead_rows WHERE status <> 'dead'
   AND resolved_at < now() - make_interval(secs => $1::bigint)) AS settled,
  (SELECT count(*) FROM _etl.dead_rows WHERE status = 'dead'
   AND created_at < now() - make_interval(secs => $2::bigint)) AS open,
  (SELECT count(*) FROM _etl.loads AS l
   WHERE l.status <> 'running' AND l.rows_loaded = 0
     AND l.finished_at < now() - make_interval(secs => $3::bigint)
     AND EXISTS (SELECT 1 FROM _etl.loads AS n
                 WHERE n.stream_id = l.stream_id AND n.load_id > l.load_id)
     AND NOT EXISTS (SELECT 1 FROM _etl.units AS u WHERE u.load_id = l.load_id)
     AND NOT EXISTS (SELECT 1 FROM _etl.adoptions AS a WHERE a.load_id = l.load_id)
     AND NOT EXISTS (SELECT 1 FROM _etl.dead_rows AS d
                     WHERE d.stream_id = l.stream_id AND d.load_id = l.load_id)) AS loads,
  (SELECT count(*) FROM _etl.runs AS r
   WHERE r.heartbeat_at < now() - make_interval(secs => $3::bigint)
     AND NOT EXISTS (SELECT 1 FROM _etl.loads AS l
                     WHERE l.run_id = r.run_id AND l.status = 'running')) AS runs
