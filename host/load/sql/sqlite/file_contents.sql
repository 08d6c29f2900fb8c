-- What was loaded from files of this name: each content, where its last record ends, whether a
-- record at its end was cut off. ?1 stream, ?2 generation, ?3 name
SELECT f.input, max(f.size) AS size, CASE max(u.is_last) WHEN 1 THEN 't' ELSE 'f' END AS whole,
  CASE WHEN EXISTS (SELECT 1 FROM _etl_dead_rows AS d
                    WHERE d.stream_id = CAST(?1 AS INTEGER) AND d.file = ?3 AND d.status = 'dead'
                      AND d.code IN ('unterminated_quote', 'malformed_json'))
    THEN 't' ELSE 'f' END AS cut
FROM _etl_files AS f
JOIN _etl_units AS u
  ON u.stream_id = f.stream_id AND u.generation = f.generation AND u.input = f.input
WHERE f.stream_id = CAST(?1 AS INTEGER) AND f.generation = CAST(?2 AS INTEGER) AND f.name = ?3
  AND f.input NOT LIKE 'dead:%'
  AND NOT EXISTS (SELECT 1 FROM _etl_files AS n
                  WHERE n.stream_id = f.stream_id AND n.generation = f.generation
                    AND n.input = f.input AND n.name <> f.name)
GROUP BY f.input;
