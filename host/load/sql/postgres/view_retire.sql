-- A view of ours goes when its last table has gone to another one; not when somebody changed it since
-- we made it, which is told by making it again beside it. Then: is it there, has it tables, is it as we
-- made it?
DO $retire$
DECLARE
  made text;
  there oid;
  same boolean := false;
BEGIN
  SELECT k.definition INTO made FROM _etl.views AS k
  WHERE k.view_schema = :'views' AND k.view_name = :'table';
  SELECT c.oid INTO there
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = :'views' AND c.relname = :'table' AND c.relkind = 'v'
    AND obj_description(c.oid, 'pg_class') LIKE 'Made by etlhost%';
  IF there IS NOT NULL AND made IS NOT NULL THEN
    EXECUTE 'CREATE TEMP VIEW etl_again AS ' || substr(made, strpos(made, ' AS SELECT') + 4);
    same := pg_get_viewdef('pg_temp.etl_again'::regclass) = pg_get_viewdef(there);
    DROP VIEW pg_temp.etl_again;
  END IF;
  IF NOT EXISTS (SELECT FROM _etl.client_tables AS m
                 WHERE m.view_schema = :'views' AND m.table_name = :'table') THEN
    IF same THEN
      EXECUTE format('DROP VIEW %I.%I', :'views', :'table');
    END IF;
    DELETE FROM _etl.views WHERE view_schema = :'views' AND view_name = :'table';
  END IF;
  PERFORM set_config('etlhost.same_view', same::text, true);
END
$retire$;
SELECT EXISTS (
  SELECT FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = :'views' AND c.relname = :'table'), EXISTS (
  SELECT FROM _etl.client_tables AS m WHERE m.view_schema = :'views' AND m.table_name = :'table'),
  current_setting('etlhost.same_view')::boolean
