-- Forgets runs that ended before ?1, and runs that began before it and never ended.
DELETE FROM events WHERE run_id IN
  (SELECT run_id FROM runs WHERE coalesce(finished_at, started_at) < CAST(?1 AS INTEGER));
DELETE FROM runs WHERE coalesce(finished_at, started_at) < CAST(?1 AS INTEGER);
