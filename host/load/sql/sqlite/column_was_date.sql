-- ?1 schema, ?2 table, ?3 column: did dates become datetimes in it?
SELECT EXISTS (SELECT 1 FROM _etl_schema_changes
               WHERE table_schema = ?1 AND table_name = ?2 AND column_name = ?3
                 AND from_type = 'date' AND to_type = 'datetime');
