-- Who keeps a backend of ours waiting. $1 its pid
SELECT a.pid, a.application_name, coalesce(a.state, ''), a.usename = current_user
FROM pg_stat_activity AS a
WHERE a.pid = ANY (pg_blocking_pids($1))
ORDER BY a.pid
