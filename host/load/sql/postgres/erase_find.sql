-- Where else in the bookkeeping a value of a client may stand: dead rows in any state, errors, the
-- reasons of schema changes. $1 client, $2, $3, $4 ways in which the value may be written
SELECT 'dead' AS kind, d.dead_id AS id, encode(d.raw, 'hex') AS raw, d.reason AS text
FROM _etl.dead_rows AS d
WHERE d.client_id = $1
  AND (position(convert_to($2, 'UTF8') IN d.raw) > 0
       OR position(convert_to($3, 'UTF8') IN d.raw) > 0
       OR position(convert_to($4, 'UTF8') IN d.raw) > 0
       OR position($2 IN d.reason) > 0)
UNION ALL
SELECT 'load', l.load_id, NULL, l.error
FROM _etl.loads AS l
WHERE l.client_id = $1 AND position($2 IN l.error) > 0
UNION ALL
SELECT 'change', c.change_id, NULL, c.why
FROM _etl.schema_changes AS c
JOIN _etl.streams AS s ON s.stream_id = c.stream_id
WHERE s.client_id = $1 AND position($2 IN c.why) > 0
ORDER BY 1, 2
