-- The bookkeeping beside the data, version 1; bookkeeping_upgrade.sql goes on from here. Times are
-- ISO 8601 text, UTC.
CREATE TABLE IF NOT EXISTS _etl_meta (version INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS _etl_streams (
  stream_id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_id TEXT NOT NULL,
  instance TEXT NOT NULL,
  resource TEXT NOT NULL,
  table_schema TEXT NOT NULL,
  table_name TEXT NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,
  cursor TEXT,
  pending TEXT,
  last_success_at TEXT,
  created_at TEXT NOT NULL,
  UNIQUE (client_id, instance, resource, table_schema, table_name)
);

CREATE TABLE IF NOT EXISTS _etl_loads (
  load_id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  pipeline TEXT,
  script_hash TEXT,
  config_hash TEXT,
  schema_version INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL,
  error TEXT,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  rows_loaded INTEGER NOT NULL DEFAULT 0,
  rows_dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS _etl_loads_stream ON _etl_loads (stream_id, load_id);

CREATE TABLE IF NOT EXISTS _etl_units (
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
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
  PRIMARY KEY (stream_id, input, start_offset)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _etl_units_load ON _etl_units (load_id);

CREATE TABLE IF NOT EXISTS _etl_files (
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  input TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified_at TEXT,
  first_load_id INTEGER NOT NULL,
  first_seen_at TEXT NOT NULL,
  PRIMARY KEY (stream_id, input, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _etl_files_name ON _etl_files (stream_id, name);

CREATE TABLE IF NOT EXISTS _etl_dead_rows (
  dead_id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  load_id INTEGER NOT NULL,
  file TEXT,
  row_number INTEGER,
  line INTEGER,
  byte_offset INTEGER,
  column_name TEXT,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  raw BLOB,
  status TEXT NOT NULL DEFAULT 'dead' CHECK (status IN ('dead', 'resolved', 'discarded')),
  created_at TEXT NOT NULL,
  resolved_at TEXT
);
CREATE INDEX IF NOT EXISTS _etl_dead_rows_stream ON _etl_dead_rows (stream_id, status);

CREATE TABLE IF NOT EXISTS _etl_columns (
  table_schema TEXT NOT NULL,
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  written_name TEXT,
  type TEXT NOT NULL,
  open_by INTEGER,
  load_id INTEGER NOT NULL,
  PRIMARY KEY (table_schema, table_name, column_name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS _etl_schema_changes (
  change_id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id INTEGER NOT NULL,
  load_id INTEGER NOT NULL,
  table_schema TEXT NOT NULL,
  table_name TEXT NOT NULL,
  column_name TEXT,
  change TEXT NOT NULL,
  from_type TEXT,
  to_type TEXT,
  why TEXT,
  changed_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS _etl_runs (
  run_id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_started INTEGER NOT NULL,
  heartbeat_at TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO _etl_meta (version) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM _etl_meta);
