INSERT INTO :"table" (:columns) SELECT :columns FROM :"stage" AS s WHERE s.rowid = ?1;
