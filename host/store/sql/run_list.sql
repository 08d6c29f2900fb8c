-- The latest runs, newest first. ?1 client or NULL, ?2 how many
SELECT run_id, verb, client, pipeline, host, pid, pid_started, started_at, finished_at, status, class,
       error, rows_read, rows_loaded, rows_dead, bytes
  FROM runs
 WHERE ?1 IS NULL OR client = ?1
 ORDER BY started_at DESC, run_id DESC
 LIMIT CAST(?2 AS INTEGER);
