-- How many runs expire.sql would forget. ?1 as there
SELECT count(*) AS runs FROM runs WHERE coalesce(finished_at, started_at) < CAST(?1 AS INTEGER);
