SELECT count(*)::text AS rows FROM :"schema".:"table"
