-- From version 2 of the bookkeeping to version 3. Runs in the same transaction as what came before.
-- position: where reading goes on behind the unit, as the source says; null for files.
ALTER TABLE _etl.units ADD COLUMN position jsonb;

-- Tables of rows that are lists within the records of another table (of the same schema).
CREATE TABLE _etl.child_tables (
  table_schema text NOT NULL,
  table_name text NOT NULL,
  parent_name text NOT NULL,
  field text NOT NULL,
  load_id bigint NOT NULL,
  PRIMARY KEY (table_schema, table_name)
);

UPDATE _etl.meta SET version = 3;
