-- The ledger after all rows were replaced: what is left of the old generation, and the new one, are
-- the stream's next generation. The cursor is the new load's own.
WITH pair AS (
:pairs
  UNION
  SELECT u.load_id, f.name
  FROM _etl.files AS f
  JOIN _etl.units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
)
UPDATE _etl.dead_rows AS d SET status = 'discarded', resolved_at = now()
WHERE d.stream_id = :stream AND d.status = 'dead' AND NOT (d.load_id = :load AND :of_pages)
  AND NOT EXISTS (SELECT 1 FROM pair AS p WHERE p.load_id = d.load_id AND p.name = d.file);
UPDATE _etl.units AS u SET generation = :next
WHERE u.stream_id = :stream AND u.generation = :generation
  AND EXISTS (
    SELECT 1 FROM _etl.files AS f
    WHERE f.stream_id = :stream AND f.generation = :generation AND f.input = u.input
      AND (f.name, u.load_id) IN (SELECT p.name, p.load_id FROM (
:pairs
      ) AS p));
DELETE FROM _etl.units WHERE stream_id = :stream AND generation < :next;
UPDATE _etl.files AS f SET generation = :next
WHERE f.stream_id = :stream AND f.generation = :generation
  AND EXISTS (SELECT 1 FROM _etl.units AS u
              WHERE u.stream_id = :stream AND u.generation = :next AND u.input = f.input)
  AND NOT EXISTS (SELECT 1 FROM _etl.files AS n
                  WHERE n.stream_id = :stream AND n.generation = :next
                    AND n.input = f.input AND n.name = f.name);
DELETE FROM _etl.files WHERE stream_id = :stream AND generation < :next;
UPDATE _etl.streams SET generation = :next, cursor = NULL WHERE stream_id = :stream;
DROP TABLE IF EXISTS _etl.:"stage";
