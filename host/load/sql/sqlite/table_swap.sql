DROP TABLE :"table";
ALTER TABLE :"rebuilt" RENAME TO :"table";
