-- The child tables of a table that are there, theirs included, parents first. $1 schema, $2 table
WITH RECURSIVE child AS (
  SELECT c.*, 1 AS depth
  FROM _etl.child_tables AS c
  WHERE c.table_schema = $1 AND c.parent_name = $2
  UNION ALL
  SELECT c.*, p.depth + 1
  FROM child AS p
  JOIN _etl.child_tables AS c
    ON c.table_schema = p.table_schema AND c.parent_name = p.table_name
)
SELECT table_name, parent_name, field
FROM child
WHERE to_regclass(format('%I.%I', table_schema, table_name)) IS NOT NULL
ORDER BY depth, table_name
