-- Versions of a row are looked up by their key, and one without an end by the other index.
CREATE INDEX ON :"schema".:"table" (:keys, _valid_from);
CREATE UNIQUE INDEX ON :"schema".:"table" (:keys) WHERE _valid_to IS NULL;
