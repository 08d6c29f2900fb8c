-- From version 1 of the bookkeeping (bookkeeping.sql) to version 2. Runs in one transaction that
-- holds the advisory lock, after bookkeeping.sql in a new database too.
ALTER TABLE _etl.streams
  ADD COLUMN generation bigint NOT NULL DEFAULT 0,
  ADD COLUMN declaration jsonb;

ALTER TABLE _etl.loads
  ADD COLUMN effects jsonb;

ALTER TABLE _etl.units
  ADD COLUMN generation bigint NOT NULL DEFAULT 0,
  ADD COLUMN effects jsonb,
  DROP CONSTRAINT units_pkey,
  ADD PRIMARY KEY (stream_id, generation, input, start_offset);

ALTER TABLE _etl.files
  ADD COLUMN generation bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT files_pkey,
  ADD PRIMARY KEY (stream_id, generation, input, name);
DROP INDEX _etl.files_name;
CREATE INDEX files_name ON _etl.files (stream_id, generation, name);

-- Which tables of clients make up which view over all of them, and what that view is.
CREATE TABLE _etl.client_tables (
  view_schema text NOT NULL,
  table_schema text NOT NULL,
  table_name text NOT NULL,
  client_id text NOT NULL,
  PRIMARY KEY (view_schema, table_name, table_schema)
);
CREATE TABLE _etl.views (
  view_schema text NOT NULL,
  view_name text NOT NULL,
  definition text NOT NULL,
  grants text[],
  PRIMARY KEY (view_schema, view_name)
);

UPDATE _etl.meta SET version = 2;
