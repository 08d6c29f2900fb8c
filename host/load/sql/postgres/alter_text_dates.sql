-- A column of datetimes among which are dates that were widened: midnights are printed as the dates
-- that they came as.
ALTER TABLE :"schema".:"table"
  ALTER COLUMN :"column" TYPE text USING regexp_replace(_etl.as_text(:"column"), 'T00:00:00$', '');
