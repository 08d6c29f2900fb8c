-- The runs whose id begins with ?1; the latest one when it is NULL.
SELECT run_id, verb, client, pipeline, host, pid, pid_started, started_at, finished_at, status, class,
       error, place, rows_read, rows_loaded, rows_dead, bytes
  FROM runs
 WHERE ?1 IS NULL OR substr(run_id, 1, length(?1)) = ?1
 ORDER BY started_at DESC, run_id DESC
 LIMIT CASE WHEN ?1 IS NULL THEN 1 ELSE 10 END;
