-- Inputs that an interrupted replacement collected and that are not among the present ones
-- (a JSON list) leave the stage, with their units and dead rows.
DELETE FROM _etl.:"stage" AS t
WHERE EXISTS (
  SELECT 1 FROM _etl.files AS f
  JOIN _etl.units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
    AND f.input NOT IN (SELECT jsonb_array_elements_text(:'staged'::jsonb))
    AND u.load_id = t."_load_id" AND f.name = :of_file);
WITH unit AS (
  DELETE FROM _etl.units
  WHERE stream_id = :stream AND generation = :next
    AND input NOT IN (SELECT jsonb_array_elements_text(:'staged'::jsonb))
  RETURNING input, load_id
), file AS (
  DELETE FROM _etl.files
  WHERE stream_id = :stream AND generation = :next
    AND input NOT IN (SELECT jsonb_array_elements_text(:'staged'::jsonb))
  RETURNING input, name
)
UPDATE _etl.dead_rows AS d SET status = 'discarded', resolved_at = now()
WHERE d.stream_id = :stream AND d.status = 'dead'
  AND EXISTS (SELECT 1 FROM unit AS u JOIN file AS f ON f.input = u.input
              WHERE u.load_id = d.load_id AND f.name = d.file);
