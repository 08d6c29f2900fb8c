-- ?1 run, ?2 host, ?3 pid, ?4 start of the process, ?5 now
INSERT INTO _etl_runs (run_id, host, pid, pid_started, heartbeat_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, host = excluded.host,
  pid = excluded.pid, pid_started = excluded.pid_started;
