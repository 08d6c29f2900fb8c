-- Forgets what is old. Units and files stay for ever: they are why nothing is loaded twice. So does
-- each load that rows may point to, and the latest of a stream. Parameters as in prune_count.sql
:prune_count
DELETE FROM _etl_dead_rows WHERE status <> 'dead'
  AND resolved_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || ?1 || ' seconds');
DELETE FROM _etl_dead_rows WHERE status = 'dead'
  AND created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || ?2 || ' seconds');
DELETE FROM _etl_loads AS l
WHERE l.status <> 'running' AND l.rows_loaded = 0
  AND l.finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || ?3 || ' seconds')
  AND EXISTS (SELECT 1 FROM _etl_loads AS n
              WHERE n.stream_id = l.stream_id AND n.load_id > l.load_id)
  AND NOT EXISTS (SELECT 1 FROM _etl_units AS u WHERE u.load_id = l.load_id)
  AND NOT EXISTS (SELECT 1 FROM _etl_dead_rows AS d
                  WHERE d.stream_id = l.stream_id AND d.load_id = l.load_id);
DELETE FROM _etl_runs AS r
WHERE r.heartbeat_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || ?3 || ' seconds')
  AND NOT EXISTS (SELECT 1 FROM _etl_loads AS l
                  WHERE l.run_id = r.run_id AND l.status = 'running');
