SELECT max(:"column")::text AS value FROM :"schema".:"table"
