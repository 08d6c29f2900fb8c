UPDATE :"table" SET :assign WHERE :match;
