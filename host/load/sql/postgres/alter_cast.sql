ALTER TABLE :"schema".:"table"
  ALTER COLUMN :"column" TYPE :type USING CAST(:"column" AS :type);
