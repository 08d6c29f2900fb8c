SELECT r.rowid AS _etl_at, r.* FROM :"stage" AS r WHERE r.rowid = :at;
