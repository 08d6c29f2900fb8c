-- ?1 run id, ?2 now, ?3 status, ?4 class, ?5 error, ?6 place, ?7 rows read, ?8 loaded, ?9 dead, ?10 bytes
UPDATE runs
   SET finished_at = CAST(?2 AS INTEGER), status = ?3, class = ?4, error = ?5, place = ?6,
       rows_read = CAST(?7 AS INTEGER), rows_loaded = CAST(?8 AS INTEGER),
       rows_dead = CAST(?9 AS INTEGER), bytes = CAST(?10 AS INTEGER)
 WHERE run_id = ?1;
