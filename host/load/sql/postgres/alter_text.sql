ALTER TABLE :"schema".:"table"
  ALTER COLUMN :"column" TYPE text USING _etl.as_text(:"column");
