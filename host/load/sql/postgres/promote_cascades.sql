-- A foreign key that deletes or changes rows of another table with those of this one.
-- $1 schema, $2 table
SELECT format('%I of %s', k.conname, k.conrelid::regclass)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.confrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')
ORDER BY 1
LIMIT 1
