-- Rows are looked for by their record.
CREATE INDEX IF NOT EXISTS :"index" ON :"stage" ("_row");
