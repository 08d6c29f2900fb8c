-- By which the ended versions of a key are found.
CREATE INDEX :"index" ON :"table" (:keys, _valid_to);
