-- The columns stay as they are from here on.
LOCK TABLE :"schema".:"table" IN ROW EXCLUSIVE MODE;
