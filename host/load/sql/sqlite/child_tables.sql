-- The child tables of a table that are there, theirs included, parents first. ?1 schema, ?2 table
WITH RECURSIVE child AS (
  SELECT c.table_name, c.parent_name, c.field, 1 AS depth
  FROM _etl_child_tables AS c
  WHERE c.table_schema = ?1 AND c.parent_name = ?2
  UNION ALL
  SELECT c.table_name, c.parent_name, c.field, p.depth + 1
  FROM child AS p
  JOIN _etl_child_tables AS c ON c.table_schema = ?1 AND c.parent_name = p.table_name
)
SELECT table_name, parent_name, field
FROM child
WHERE table_name IN (SELECT name FROM sqlite_schema WHERE type = 'table')
ORDER BY depth, table_name;
