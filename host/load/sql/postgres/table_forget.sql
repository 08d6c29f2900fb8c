-- What is known of the columns of a table that was dropped. $1 schema, $2 table
DELETE FROM _etl.columns WHERE table_schema = $1 AND table_name = $2
