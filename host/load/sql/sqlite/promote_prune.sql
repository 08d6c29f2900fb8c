-- Inputs that an interrupted replacement collected and that are not among the present ones
-- (a JSON list) leave the stage, with their units and dead rows.
DELETE FROM :"stage" AS t
WHERE (t."_load_id", :of_file) IN (
  SELECT u.load_id, f.name FROM _etl_files AS f
  JOIN _etl_units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
    AND f.input NOT IN (SELECT value FROM json_each(:'staged')));
UPDATE _etl_dead_rows AS d SET status = 'discarded', resolved_at = :'now'
WHERE d.stream_id = :stream AND d.status = 'dead'
  AND (d.load_id, d.file) IN (
    SELECT u.load_id, f.name FROM _etl_files AS f
    JOIN _etl_units AS u
      ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
    WHERE f.stream_id = :stream AND f.generation = :next
      AND f.input NOT IN (SELECT value FROM json_each(:'staged')));
DELETE FROM _etl_units
WHERE stream_id = :stream AND generation = :next
  AND input NOT IN (SELECT value FROM json_each(:'staged'));
DELETE FROM _etl_files
WHERE stream_id = :stream AND generation = :next
  AND input NOT IN (SELECT value FROM json_each(:'staged'));
