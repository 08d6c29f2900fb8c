-- $1 schema
SELECT count(*) FROM pg_namespace WHERE nspname = $1
