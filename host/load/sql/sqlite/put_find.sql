-- The row that has a key, if there is one.
SELECT :columns FROM :"table" WHERE :match;
