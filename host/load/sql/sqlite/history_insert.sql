INSERT INTO :"table" (:columns, _valid_from, _valid_to) VALUES (:values, :from, :to);
