-- ?1 run id, ?2 verb, ?3 client, ?4 pipeline, ?5 host, ?6 pid, ?7 its start time, ?8 now
INSERT INTO runs (run_id, verb, client, pipeline, host, pid, pid_started, started_at, status)
VALUES (?1, ?2, ?3, ?4, ?5, CAST(?6 AS INTEGER), CAST(?7 AS INTEGER), CAST(?8 AS INTEGER), 'running');
