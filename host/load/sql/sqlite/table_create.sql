CREATE TABLE :"table" (:columns);
