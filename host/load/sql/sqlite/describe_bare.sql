-- Where there is no bookkeeping. ?2 table
SELECT x.name, x.type, x."notnull" AND x.dflt_value IS NULL AND x.pk = 0, x.hidden,
  x.dflt_value IS NOT NULL OR x.pk <> 0,
  NULL, 0, NULL
FROM pragma_table_xinfo(?2) AS x
WHERE x.hidden <> 1
ORDER BY x.cid;
