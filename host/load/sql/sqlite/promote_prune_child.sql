-- The rows of a child table in the stage, of inputs that promote_prune.sql is about to forget.
DELETE FROM :"stage" AS t
WHERE (t."_load_id", t."_file") IN (
  SELECT u.load_id, f.name FROM _etl_files AS f
  JOIN _etl_units AS u
    ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
  WHERE f.stream_id = :stream AND f.generation = :next
    AND f.input NOT IN (SELECT value FROM json_each(:'staged')));
