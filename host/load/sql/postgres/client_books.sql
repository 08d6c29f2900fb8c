-- What the bookkeeping has of a client; the first column is all together. $1 client
SELECT c.streams + c.loads + c.units + c.files + c.dead_rows + c.schema_changes + c.adoptions
  AS rows, c.*
FROM (SELECT
  (SELECT count(*) FROM _etl.streams WHERE client_id = $1) AS streams,
  (SELECT count(*) FROM _etl.loads WHERE client_id = $1) AS loads,
  (SELECT count(*) FROM _etl.units WHERE client_id = $1) AS units,
  (SELECT count(*) FROM _etl.files WHERE client_id = $1) AS files,
  (SELECT count(*) FROM _etl.dead_rows WHERE client_id = $1) AS dead_rows,
  (SELECT count(*) FROM _etl.adoptions WHERE client_id = $1) AS adoptions,
  (SELECT count(*) FROM _etl.schema_changes WHERE stream_id IN
     (SELECT stream_id FROM _etl.streams WHERE client_id = $1)) AS schema_changes) AS c
