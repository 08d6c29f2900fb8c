INSERT INTO :"to" (:columns) SELECT :values FROM :"from" ORDER BY rowid;
