SELECT s.rowid FROM :"stage" AS s ORDER BY :placed;
