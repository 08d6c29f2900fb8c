DELETE FROM :"table" WHERE :match;
