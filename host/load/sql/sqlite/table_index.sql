-- What the rows of a client are found by.
CREATE INDEX IF NOT EXISTS :"name" ON :"table" (:columns);
