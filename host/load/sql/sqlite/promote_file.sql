-- The ledger after a file's rows were replaced: its earlier contents are forgotten, and its dead rows
-- with them; what was collected for it counts from now on.
WITH pair AS (
:pairs
)
UPDATE _etl_dead_rows SET status = 'discarded', resolved_at = :'now'
WHERE stream_id = :stream AND status = 'dead'
  AND (load_id, file) IN (SELECT p.load_id, p.name FROM pair AS p);
DELETE FROM _etl_units
WHERE stream_id = :stream AND generation = :generation
  AND EXISTS (SELECT 1 FROM _etl_files AS f
              WHERE f.stream_id = :stream AND f.generation = :generation
                AND f.input = _etl_units.input
                AND (f.name, _etl_units.load_id) IN (SELECT p.name, p.load_id FROM (
:pairs
                ) AS p));
DELETE FROM _etl_files
WHERE stream_id = :stream AND generation = :generation
  AND NOT EXISTS (SELECT 1 FROM _etl_units AS u
                  WHERE u.stream_id = _etl_files.stream_id
                    AND u.generation = _etl_files.generation AND u.input = _etl_files.input);
UPDATE _etl_units SET generation = :generation
WHERE stream_id = :stream AND generation = -1 AND input = :'input';
UPDATE _etl_files SET generation = :generation
WHERE stream_id = :stream AND generation = -1 AND input = :'input';
DROP TABLE IF EXISTS :"stage";
