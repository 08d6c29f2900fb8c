-- describe.sql where there is no bookkeeping. $1 table oid
SELECT a.attname, a.atttypid::bigint, a.atttypmod, format_type(a.atttypid, a.atttypmod),
  (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND a.attidentity = '',
  a.attgenerated <> '' OR a.attidentity = 'a',
  a.atthasdef OR a.attidentity <> '',
  NULL, false, NULL,
  (SELECT min(b.why) FROM (
     SELECT format('%s %s depends on it',
                   CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
                   v.oid::regclass) AS why
     FROM pg_depend AS d
     JOIN pg_rewrite AS r ON r.oid = d.objid
     JOIN pg_class AS v ON v.oid = r.ev_class AND v.oid <> a.attrelid
     WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
     UNION ALL
     SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it'
     FROM pg_depend AS d
     WHERE d.classid IN ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_proc'::regclass,
                         'pg_publication_rel'::regclass)
       AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
     UNION ALL
     SELECT format('generated column %I depends on it', g.attname)
     FROM pg_depend AS d
     JOIN pg_attrdef AS e ON e.oid = d.objid
     JOIN pg_attribute AS g ON g.attrelid = e.adrelid AND g.attnum = e.adnum
     WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
       AND e.adrelid = a.attrelid AND e.adnum <> a.attnum
     UNION ALL
     SELECT format('foreign key %I depends on it', k.conname)
     FROM pg_constraint AS k
     WHERE k.contype = 'f'
       AND (k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
            OR k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey))
     UNION ALL
     SELECT 'it is part of the partition key'
     FROM pg_partitioned_table AS p
     WHERE p.partrelid = a.attrelid AND a.attnum = ANY (p.partattrs::int2[])
     UNION ALL
     SELECT 'it is inherited from another table' WHERE a.attinhcount > 0
     UNION ALL
     SELECT 'it is generated' WHERE a.attgenerated <> ''
   ) AS b)
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
