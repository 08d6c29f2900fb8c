-- Forgets a client. Columns that its unfinished loads may still widen are closed. $1 client
WITH stream AS (
  DELETE FROM _etl.streams WHERE client_id = $1 RETURNING stream_id
), load AS (
  DELETE FROM _etl.loads WHERE client_id = $1 RETURNING run_id
), run AS (
  DELETE FROM _etl.runs WHERE run_id IN (SELECT run_id FROM load) RETURNING 1
), unit AS (
  DELETE FROM _etl.units WHERE client_id = $1 RETURNING 1
), file AS (
  DELETE FROM _etl.files WHERE client_id = $1 RETURNING 1
), dead AS (
  DELETE FROM _etl.dead_rows WHERE client_id = $1 RETURNING 1
), adoption AS (
  DELETE FROM _etl.adoptions WHERE client_id = $1 RETURNING 1
), change AS (
  DELETE FROM _etl.schema_changes WHERE stream_id IN (SELECT stream_id FROM stream) RETURNING 1
), closed AS (
  UPDATE _etl.columns SET open_by = NULL WHERE open_by IN (SELECT stream_id FROM stream)
)
SELECT (SELECT count(*) FROM stream) + (SELECT count(*) FROM load) + (SELECT count(*) FROM unit)
  + (SELECT count(*) FROM file) + (SELECT count(*) FROM dead) + (SELECT count(*) FROM change)
  + (SELECT count(*) FROM adoption) AS rows
