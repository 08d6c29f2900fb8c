-- What is known of a table that was dropped, and of its columns. $1 schema, $2 table
WITH comment AS (
  DELETE FROM _etl.comments WHERE table_schema = $1 AND table_name = $2
)
DELETE FROM _etl.columns WHERE table_schema = $1 AND table_name = $2
