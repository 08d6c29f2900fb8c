-- What was loaded from files of this name: each content, where its last record ends, whether a
-- record at its end was cut off. $1 stream, $2 generation, $3 name
SELECT f.input, max(f.size) AS size, bool_or(u.is_last) AS whole,
  EXISTS (SELECT 1 FROM _etl.dead_rows AS d
          WHERE d.stream_id = $1::bigint AND d.file = $3 AND d.status = 'dead'
            AND d.code IN ('unterminated_quote', 'malformed_json')) AS cut
FROM _etl.files AS f
JOIN _etl.units AS u
  ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
WHERE f.stream_id = $1::bigint AND f.generation = $2::bigint AND f.name = $3
  AND f.input NOT LIKE 'dead:%'
  AND NOT EXISTS (SELECT 1 FROM _etl.files AS n
                  WHERE n.stream_id = f.stream_id AND n.generation = f.generation
                    AND n.input = f.input AND n.name <> f.name)
GROUP BY f.input
