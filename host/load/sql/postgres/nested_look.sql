-- The columns of a child table, which stay as they are until the unit has committed: rows are encoded
-- for the types that were there. In the place that lane_begin_rows.sql has them.
LOCK TABLE :"schema".:"table" IN ROW EXCLUSIVE MODE;
SELECT NULL, NULL, NULL, a.attname, a.atttypid::bigint, a.atttypmod
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = :'schema' AND c.relname = :'table' AND a.attnum > 0 AND NOT a.attisdropped
