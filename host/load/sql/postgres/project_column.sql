ALTER TABLE :"schema".:"table" ADD COLUMN IF NOT EXISTS _project text
