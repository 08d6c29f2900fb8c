CREATE TABLE IF NOT EXISTS :"schema".:"table" (:columns);
