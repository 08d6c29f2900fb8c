-- Marks the dead rows of stream ?1 whose ids are in the list ?2 ("12,13,40") as resolved: the unit at
-- work has their records.
UPDATE _etl_dead_rows
   SET status = 'resolved', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
 WHERE stream_id = CAST(?1 AS INTEGER)
   AND status = 'dead'
   AND instr(',' || ?2 || ',', ',' || dead_id || ',') > 0;
