-- A child table that was dropped is none any more. ?1 schema, ?2 table
DELETE FROM _etl_child_tables WHERE table_schema = ?1 AND table_name = ?2;
