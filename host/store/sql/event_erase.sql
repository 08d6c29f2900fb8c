-- ?1 run id, ?2 number; 0 is the run's own error.
DELETE FROM events WHERE run_id = ?1 AND number = CAST(?2 AS INTEGER);
UPDATE runs SET error = 'erased' WHERE run_id = ?1 AND CAST(?2 AS INTEGER) = 0;
