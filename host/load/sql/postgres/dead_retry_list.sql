-- The dead rows of stream $1 (the one with id $2, or all when it is null), those of one file together.
SELECT d.dead_id,
       d.file,
       d.row_number,
       d.line,
       encode(d.raw, 'hex') AS raw,
       h.header
  FROM _etl.dead_rows d
  LEFT JOIN LATERAL (
       SELECT u.header
         FROM _etl.files f
         JOIN _etl.units u ON u.stream_id = f.stream_id AND u.input = f.input
        WHERE f.stream_id = d.stream_id AND f.name = d.file AND u.header IS NOT NULL
          AND u.load_id <= d.load_id
        ORDER BY u.load_id DESC
        LIMIT 1) h ON true
 WHERE d.stream_id = $1::bigint
   AND d.status = 'dead'
   AND d.raw IS NOT NULL
   AND ($2::bigint IS NULL OR d.dead_id = $2::bigint)
 ORDER BY d.file, h.header, d.dead_id;
