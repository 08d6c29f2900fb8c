-- Where else in the bookkeeping a value of a client may stand: dead rows in any state, errors, the
-- reasons of schema changes. ?1 client, ?2, ?3, ?4 ways in which the value may be written
SELECT 'dead' AS kind, d.dead_id AS id, lower(hex(d.raw)) AS raw, d.reason AS text
FROM _etl_dead_rows AS d
WHERE d.client_id = ?1
  AND (instr(d.raw, CAST(?2 AS BLOB)) > 0 OR instr(d.raw, CAST(?3 AS BLOB)) > 0
       OR instr(d.raw, CAST(?4 AS BLOB)) > 0 OR instr(d.reason, ?2) > 0)
UNION ALL
SELECT 'load', l.load_id, NULL, l.error
FROM _etl_loads AS l
WHERE l.client_id = ?1 AND instr(l.error, ?2) > 0
UNION ALL
SELECT 'change', c.change_id, NULL, c.why
FROM _etl_schema_changes AS c
JOIN _etl_streams AS s ON s.stream_id = c.stream_id
WHERE s.client_id = ?1 AND instr(c.why, ?2) > 0
ORDER BY 1, 2;
