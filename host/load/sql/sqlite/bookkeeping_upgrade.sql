-- From version 1 of the bookkeeping (bookkeeping.sql) to version 2, in one transaction; after
-- bookkeeping.sql in a new database too. A table whose primary key changes is made anew.
ALTER TABLE _etl_streams ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _etl_streams ADD COLUMN projects TEXT;

ALTER TABLE _etl_loads ADD COLUMN effects TEXT;

CREATE TABLE _etl_units_new (
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0,
  input TEXT NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  row_start INTEGER NOT NULL,
  row_end INTEGER NOT NULL,
  line_end INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  is_last INTEGER NOT NULL,
  header TEXT,
  load_id INTEGER NOT NULL,
  committed_at TEXT NOT NULL,
  effects TEXT,
  PRIMARY KEY (stream_id, generation, input, start_offset)
) WITHOUT ROWID;
INSERT INTO _etl_units_new (stream_id, client_id, input, start_offset, end_offset, row_start,
                            row_end, line_end, rows, dead, is_last, header, load_id, committed_at)
SELECT stream_id, client_id, input, start_offset, end_offset, row_start, row_end, line_end, rows,
  dead, is_last, header, load_id, committed_at
FROM _etl_units;
DROP TABLE _etl_units;
ALTER TABLE _etl_units_new RENAME TO _etl_units;
CREATE INDEX _etl_units_load ON _etl_units (load_id);

CREATE TABLE _etl_files_new (
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0,
  input TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_at TEXT,
  first_load_id INTEGER NOT NULL,
  first_seen_at TEXT NOT NULL,
  PRIMARY KEY (stream_id, generation, input, name)
) WITHOUT ROWID;
INSERT INTO _etl_files_new (stream_id, client_id, input, name, size, modified_at, first_load_id,
                            first_seen_at)
SELECT stream_id, client_id, input, name, size, modified_at, first_load_id, first_seen_at
FROM _etl_files;
DROP TABLE _etl_files;
ALTER TABLE _etl_files_new RENAME TO _etl_files;
CREATE INDEX _etl_files_name ON _etl_files (stream_id, generation, name);

CREATE TABLE _etl_erasures (
  erasure_id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_id TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('client', 'rows')),
  tables TEXT NOT NULL,
  columns TEXT,
  value_hash TEXT,
  rows INTEGER NOT NULL,
  dead_rows INTEGER NOT NULL,
  erased_at TEXT NOT NULL
);

UPDATE _etl_meta SET version = 2;
