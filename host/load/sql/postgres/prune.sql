-- Forgets what is old. Units and files stay for ever: they are why nothing is loaded twice. So does
-- each load that rows may point to, and the latest of a stream. Parameters as in prune_count.sql
WITH settled AS (
  DELETE FROM _etl.dead_rows WHERE status <> 'dead'
    AND resolved_at < now() - make_interval(secs => $1::bigint)
  RETURNING 1
), open AS (
  DELETE FROM _etl.dead_rows WHERE status = 'dead'
    AND created_at < now() - make_interval(secs => $2::bigint)
  RETURNING 1
), load AS (
  DELETE FROM _etl.loads AS l
  WHERE l.status <> 'running' AND l.rows_loaded = 0
    AND l.finished_at < now() - make_interval(secs => $3::bigint)
    AND EXISTS (SELECT 1 FROM _etl.loads AS n
                WHERE n.stream_id = l.stream_id AND n.load_id > l.load_id)
    AND NOT EXISTS (SELECT 1 FROM _etl.units AS u WHERE u.load_id = l.load_id)
    AND NOT EXISTS (SELECT 1 FROM _etl.adoptions AS a WHERE a.load_id = l.load_id)
    AND NOT EXISTS (SELECT 1 FROM _etl.dead_rows AS d
                    WHERE d.stream_id = l.stream_id AND d.load_id = l.load_id)
  RETURNING 1
), run AS (
  DELETE FROM _etl.runs AS r
  WHERE r.heartbeat_at < now() - make_interval(secs => $3::bigint)
    AND NOT EXISTS (SELECT 1 FROM _etl.loads AS l
                    WHERE l.run_id = r.run_id AND l.status = 'running')
  RETURNING 1
)
SELECT (SELECT count(*) FROM settled) AS settled, (SELECT count(*) FROM open) AS open,
  (SELECT count(*) FROM load) AS loads, (SELECT count(*) FROM run) AS runs
