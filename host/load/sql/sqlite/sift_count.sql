SELECT count(*) FROM :"stage";
