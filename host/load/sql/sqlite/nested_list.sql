-- Where the rows of a record stand that are there.
SELECT :columns FROM :"table" WHERE :match;
