-- The statement that takes a view of ours away while columns below it change their types, none when
-- there is none. Who was granted it gets it back with the view. $1 schema of the view, $2 its name
WITH present AS (
  SELECT c.oid, c.relowner, c.relacl
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind = 'v'
    AND obj_description(c.oid, 'pg_class') LIKE 'Made by etlhost%'
), kept AS (
  UPDATE _etl.views AS k
  SET grants = ARRAY(
    SELECT format('GRANT %s ON %I.%I TO %s%s', x.privilege_type, $1, $2,
                  CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
                  CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM present AS p
    CROSS JOIN aclexplode(p.relacl) AS x
    WHERE x.grantee <> p.relowner)
  FROM present AS p
  WHERE k.view_schema = $1 AND k.view_name = $2
)
SELECT true, format('DROP VIEW %I.%I', $1, $2) FROM present
