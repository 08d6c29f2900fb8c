-- What is known of the columns of a table that is called otherwise now, unless another stream still
-- loads the old one. ?1, ?2 the old schema and table, ?3, ?4 the new ones
UPDATE _etl_columns SET table_schema = ?3, table_name = ?4
WHERE table_schema = ?1 AND table_name = ?2
  AND NOT EXISTS (SELECT 1 FROM _etl_streams AS s
                  WHERE s.table_schema = ?1 AND s.table_name = ?2)
  AND NOT EXISTS (SELECT 1 FROM _etl_columns AS n
                  WHERE n.table_schema = ?3 AND n.table_name = ?4);
