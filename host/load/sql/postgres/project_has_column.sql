-- $1 schema, $2 table
SELECT count(*) AS n
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = '_project' AND NOT a.attisdropped
