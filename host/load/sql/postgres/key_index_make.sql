CREATE UNIQUE INDEX ON :"schema".:"table" (:keys);
