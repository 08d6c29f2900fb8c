-- As key_index_alone.sql: versions of a row are looked up by their key.
CREATE INDEX CONCURRENTLY IF NOT EXISTS :"index" ON :"schema".:"table" (:keys, _valid_from)
