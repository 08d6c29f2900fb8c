-- Is there such a unique index, of ours? ?1 table, ?2 how it ends: what it is on
SELECT EXISTS (
  SELECT 1 FROM sqlite_master
  WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE AND sql LIKE 'CREATE UNIQUE INDEX %'
    AND substr(sql, -length(?2)) = ?2);
