-- The next rows of the table that is being exported (export_rows.sql).
FETCH FORWARD 1000 FROM etl_export
