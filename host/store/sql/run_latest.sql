-- The latest run of each client.
SELECT run_id, verb, client, pipeline, host, pid, pid_started, max(started_at) AS started_at,
       finished_at, status, class, error, place, rows_read, rows_loaded, rows_dead, bytes
  FROM runs -- with max(), SQLite takes the other columns from the same row
 WHERE client IS NOT NULL
 GROUP BY client;
