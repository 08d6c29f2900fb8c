-- A table that holds nothing and that nobody loads.
DROP TABLE :"schema".:"table"
