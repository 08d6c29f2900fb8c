-- The ledger after all rows were replaced: what is left of the old generation, and the new one, are
-- the stream's next generation. The cursor is the new load's own.
WITH pair AS (
:pairs
  UNION
  SELECT u.load_id, f.name
  FROM _etl_files AS f
  JOIN _etl_units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
)
UPDATE _etl_dead_rows SET status = 'discarded', resolved_at = :'now'
WHERE stream_id = :stream AND status = 'dead' AND NOT (load_id = :load AND :of_pages)
  AND NOT ((load_id, file) IN (SELECT p.load_id, p.name FROM pair AS p) IS TRUE);
UPDATE _etl_units SET generation = :next
WHERE stream_id = :stream AND generation = :generation
  AND EXISTS (
    SELECT 1 FROM _etl_files AS f
    WHERE f.stream_id = :stream AND f.generation = :generation AND f.input = _etl_units.input
      AND (f.name, _etl_units.load_id) IN (SELECT p.name, p.load_id FROM (
:pairs
      ) AS p));
DELETE FROM _etl_units WHERE stream_id = :stream AND generation < :next;
UPDATE OR IGNORE _etl_files SET generation = :next
WHERE stream_id = :stream AND generation = :generation
  AND input IN (SELECT u.input FROM _etl_units AS u
                WHERE u.stream_id = :stream AND u.generation = :next);
DELETE FROM _etl_files WHERE stream_id = :stream AND generation < :next;
UPDATE _etl_streams SET generation = :next, cursor = NULL WHERE stream_id = :stream;
DROP TABLE IF EXISTS :"stage";
