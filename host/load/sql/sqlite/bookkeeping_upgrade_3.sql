-- From version 2 of the bookkeeping to version 3, in the same transaction as what came before.
-- position: where reading goes on behind the unit, as the source says; null for files.
ALTER TABLE _etl_units ADD COLUMN position TEXT;

-- Tables of rows that are lists within the records of another table.
CREATE TABLE _etl_child_tables (
  table_schema TEXT NOT NULL,
  table_name TEXT NOT NULL,
  parent_name TEXT NOT NULL,
  field TEXT NOT NULL,
  load_id INTEGER NOT NULL,
  PRIMARY KEY (table_schema, table_name)
) WITHOUT ROWID;

UPDATE _etl_meta SET version = 3;
