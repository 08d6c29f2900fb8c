-- While others write; in no transaction. What a killed build leaves is found by its name.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS :"index" ON :"schema".:"table" (:keys):open
