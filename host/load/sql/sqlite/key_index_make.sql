CREATE UNIQUE INDEX :"index" ON :"table" (:keys):open;
