-- ?1 schema, ?2 table, ?3 stream or NULL
SELECT x.name, x.type, x."notnull" AND x.dflt_value IS NULL AND x.pk = 0, x.hidden,
  x.dflt_value IS NOT NULL OR x.pk <> 0,
  c.type, c.open_by IS NOT NULL AND c.open_by = ?3, c.written_name
FROM pragma_table_xinfo(?2) AS x
LEFT JOIN _etl_columns AS c
  ON c.table_schema = ?1 AND c.table_name = ?2 AND c.column_name = x.name
WHERE x.hidden <> 1
ORDER BY x.cid;
