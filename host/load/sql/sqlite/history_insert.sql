-- What the rows have no column for is that of the version before.
INSERT INTO :"table" (:columns, _valid_from, _valid_to:kept) VALUES (:values, :from, :to:kept_values);
