-- ?1 run id, ?2 number, ?3 event, ?4 its line
INSERT INTO events (run_id, number, event, json) VALUES (?1, CAST(?2 AS INTEGER), ?3, ?4);
