-- The catalog, version 1. Times are microseconds since 1970, UTC.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;

CREATE TABLE IF NOT EXISTS runs (
  run_id TEXT PRIMARY KEY,
  verb TEXT NOT NULL,
  client TEXT,
  pipeline TEXT,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,          -- of the supervisor, and its start time in clock ticks since boot
  pid_started INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  status TEXT NOT NULL,          -- running, ok, failed, stopped
  class TEXT,                    -- of the first error
  error TEXT,
  place TEXT,
  rows_read INTEGER NOT NULL DEFAULT 0,
  rows_loaded INTEGER NOT NULL DEFAULT 0,
  rows_dead INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_started ON runs (started_at);

CREATE TABLE IF NOT EXISTS events (
  run_id TEXT NOT NULL,
  number INTEGER NOT NULL,       -- from 1, in the order they came
  event TEXT NOT NULL,
  json TEXT NOT NULL,            -- the line as the engine wrote it
  PRIMARY KEY (run_id, number)
) WITHOUT ROWID;

-- When a destination was last pruned; by the hash of its address, which may hold a password.
CREATE TABLE IF NOT EXISTS prunes (
  destination TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 1;
