-- What goes with a table when it is dropped. ?1 table
SELECT sql FROM sqlite_master
WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL
ORDER BY rowid;
