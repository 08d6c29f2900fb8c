-- Room in each page, so that a changed row stays beside its old version and its indexes as they are.
ALTER TABLE :"schema".:"table" SET (fillfactor = 90);
