SELECT EXISTS (SELECT 1 FROM :"schema".:"table");
