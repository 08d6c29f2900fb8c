-- The lock comes first, so that nobody writes a value between this look and the change.
LOCK TABLE :"schema".:"table" IN ACCESS EXCLUSIVE MODE;
SELECT EXISTS (SELECT 1 FROM :"schema".:"table" WHERE :"column" IS NOT NULL);
