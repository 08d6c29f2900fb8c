CREATE TABLE :"stage" (:columns);
