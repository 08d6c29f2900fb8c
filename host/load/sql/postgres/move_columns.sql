-- What is known of the columns of a table that is called otherwise now, unless another stream still
-- loads the old one. $1, $2 the old schema and table, $3, $4 the new ones
UPDATE _etl.columns AS c SET table_schema = $3, table_name = $4
WHERE c.table_schema = $1 AND c.table_name = $2
  AND NOT EXISTS (SELECT 1 FROM _etl.streams AS s
                  WHERE s.table_schema = $1 AND s.table_name = $2)
  AND NOT EXISTS (SELECT 1 FROM _etl.columns AS n
                  WHERE n.table_schema = $3 AND n.table_name = $4)
