-- Looked up by name, not by to_regclass, which fails where the schema may not be used.
SELECT count(*), current_setting('server_version_num'), pg_is_in_recovery()
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = '_etl' AND c.relname = 'meta';
