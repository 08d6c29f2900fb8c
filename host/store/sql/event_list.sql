-- What the run ?1 said, in order.
SELECT number, event, json FROM events WHERE run_id = ?1 ORDER BY number;
