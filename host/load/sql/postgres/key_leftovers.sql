-- The statements that take away what a build that was ended has left: indexes that are not valid.
-- $1 schema, $2 the name of the key's index
SELECT format('DROP INDEX %I.%I', n.nspname, c.relname)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname IN ($2::text, $2::text || '_versions') AND NOT i.indisvalid
