-- $1 run, $2 host, $3 pid, $4 start of the process
INSERT INTO _etl.runs (run_id, host, pid, pid_started, heartbeat_at)
VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (run_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, host = excluded.host,
  pid = excluded.pid, pid_started = excluded.pid_started
