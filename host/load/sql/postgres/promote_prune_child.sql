-- The rows of a child table in the stage, of inputs that promote_prune.sql is about to forget.
DELETE FROM _etl.:"stage" AS t
WHERE EXISTS (
  SELECT 1 FROM _etl.files AS f
  JOIN _etl.units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
    AND f.input NOT IN (SELECT jsonb_array_elements_text(:'staged'::jsonb))
    AND u.load_id = t."_load_id" AND f.name = t."_file");
