-- The dead rows of stream $1 (the one with id $2, or all when it is null), those of one file together;
-- but not of rows that still wait in a stage. The header of CSV is that of the file; a row of a
-- service's page has it from the unit that covers its place, since offsets go on from page to page.
-- The bytes of one that a table refused are a row of the table (stored): no header applies.
SELECT d.dead_id,
       d.file,
       d.row_number,
       d.line,
       encode(d.raw, 'hex') AS raw,
       CASE WHEN d.code <> 'refused_in_stage' THEN h.header END AS header,
       d.code = 'refused_in_stage' AS stored
  FROM _etl.dead_rows d
  LEFT JOIN LATERAL (
       (SELECT p.header
          FROM _etl.units p
         WHERE p.stream_id = d.stream_id AND p.load_id = d.load_id AND p.input LIKE 'window:%'
           AND p.start_offset <= d.byte_offset AND p.end_offset > d.byte_offset
         LIMIT 1)
        UNION ALL
       (SELECT u.header
          FROM _etl.files f
          JOIN _etl.units u ON u.stream_id = f.stream_id AND u.input = f.input
         WHERE f.stream_id = d.stream_id AND f.name = d.file AND u.header IS NOT NULL
           AND u.load_id <= d.load_id
         ORDER BY u.load_id DESC
         LIMIT 1)
       LIMIT 1) h ON true
 WHERE d.stream_id = $1::bigint
   AND d.status = 'dead'
   AND d.raw IS NOT NULL
   AND NOT EXISTS (
       SELECT 1
         FROM _etl.units w
         JOIN _etl.streams s ON s.stream_id = w.stream_id AND s.generation <> w.generation
         JOIN _etl.files n ON n.stream_id = w.stream_id AND n.generation = w.generation
          AND n.input = w.input
        WHERE w.stream_id = d.stream_id AND w.load_id = d.load_id AND n.name = d.file)
   AND ($2::bigint IS NULL OR d.dead_id = $2::bigint)
 ORDER BY d.file, stored, h.header, d.dead_id;
