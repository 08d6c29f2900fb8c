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

UPDATE _etl.meta SET version = 2;
