-- Which load brought which file, for the contents that stay (a JSON list), with their dead rows that
-- were sent again. A row of the table has both in _load_id and _file.
SELECT u.load_id, f.name
FROM _etl.files AS f
JOIN _etl.units AS u
  ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
WHERE f.stream_id = :stream AND f.generation = :generation
  AND (f.input IN (SELECT jsonb_array_elements_text(:'kept'::jsonb))
       OR f.input LIKE 'dead:%' AND f.name IN (
         SELECT k.name FROM _etl.files AS k
         WHERE k.stream_id = :stream AND k.generation = :generation
           AND k.input IN (SELECT jsonb_array_elements_text(:'kept'::jsonb))))
