CREATE UNIQUE INDEX CONCURRENTLY :"index" ON :"schema".:"table" (:keys)
