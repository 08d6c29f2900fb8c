-- The columns of a table that may be written. ?1 table
SELECT name, type, dflt_value FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY name;
