-- Forgets a client. Columns that its unfinished loads may still widen are closed. ?1 client
SELECT (SELECT count(*) FROM _etl_streams WHERE client_id = ?1)
  + (SELECT count(*) FROM _etl_loads WHERE client_id = ?1)
  + (SELECT count(*) FROM _etl_units WHERE client_id = ?1)
  + (SELECT count(*) FROM _etl_files WHERE client_id = ?1)
  + (SELECT count(*) FROM _etl_dead_rows WHERE client_id = ?1)
  + (SELECT count(*) FROM _etl_schema_changes WHERE stream_id IN
       (SELECT stream_id FROM _etl_streams WHERE client_id = ?1)) AS rows;
DELETE FROM _etl_schema_changes WHERE stream_id IN
  (SELECT stream_id FROM _etl_streams WHERE client_id = ?1);
UPDATE _etl_columns SET open_by = NULL WHERE open_by IN
  (SELECT stream_id FROM _etl_streams WHERE client_id = ?1);
DELETE FROM _etl_runs WHERE run_id IN (SELECT run_id FROM _etl_loads WHERE client_id = ?1);
DELETE FROM _etl_dead_rows WHERE client_id = ?1;
DELETE FROM _etl_files WHERE client_id = ?1;
DELETE FROM _etl_units WHERE client_id = ?1;
DELETE FROM _etl_loads WHERE client_id = ?1;
DELETE FROM _etl_streams WHERE client_id = ?1;
