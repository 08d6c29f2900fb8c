-- The ledger after a file's rows were replaced: its earlier contents are forgotten, and its dead rows
-- with them; what was collected for it counts from now on.
WITH pair AS (
:pairs
)
UPDATE _etl.dead_rows AS d SET status = 'discarded', resolved_at = now()
WHERE d.stream_id = :stream AND d.status = 'dead'
  AND EXISTS (SELECT 1 FROM pair AS p WHERE p.load_id = d.load_id AND p.name = d.file);
DELETE FROM _etl.units AS u
WHERE u.stream_id = :stream AND u.generation = :generation
  AND EXISTS (SELECT 1 FROM _etl.files AS f
              WHERE f.stream_id = :stream AND f.generation = :generation AND f.input = u.input
                AND (f.name, u.load_id) IN (SELECT p.name, p.load_id FROM (
:pairs
                ) AS p));
DELETE FROM _etl.files AS f
WHERE f.stream_id = :stream AND f.generation = :generation
  AND NOT EXISTS (SELECT 1 FROM _etl.units AS u
                  WHERE u.stream_id = f.stream_id AND u.generation = f.generation
                    AND u.input = f.input);
UPDATE _etl.units SET generation = :generation
WHERE stream_id = :stream AND generation = -1 AND input = :'input';
UPDATE _etl.files SET generation = :generation
WHERE stream_id = :stream AND generation = -1 AND input = :'input';
DROP TABLE IF EXISTS _etl.:"stage";
