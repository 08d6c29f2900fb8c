-- Forgets the runs of the client ?1 and all that they said.
DELETE FROM events WHERE run_id IN (SELECT run_id FROM runs WHERE client = ?1);
DELETE FROM runs WHERE client = ?1;
SELECT changes() AS runs;
