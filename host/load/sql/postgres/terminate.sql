-- $1 pid; the name is looked at again, so that a number that was given away meanwhile is safe
SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a
WHERE a.pid = $1 AND a.application_name = 'etlhost'
