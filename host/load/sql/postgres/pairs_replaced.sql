-- Which load brought what was in a file before its present content. A content that is known under
-- another name, too, was renamed: its rows stay, and so do its dead rows that were sent again.
SELECT u.load_id, f.name
FROM _etl.files AS f
JOIN _etl.units AS u
  ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
WHERE f.stream_id = :stream AND f.generation = :generation
  AND f.name = :'file' AND f.input <> :'input'
  AND NOT EXISTS (
    SELECT 1 FROM _etl.files AS o
    JOIN _etl.files AS n ON n.stream_id = o.stream_id AND n.generation = o.generation
      AND n.input = o.input AND n.name <> o.name
    WHERE o.stream_id = f.stream_id AND o.generation = f.generation AND o.name = f.name
      AND o.input <> :'input' AND (o.input = f.input OR f.input LIKE 'dead:%'))
