DELETE FROM :"stage" WHERE rowid = :at;
