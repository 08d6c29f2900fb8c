-- ?2 table
SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name = ?2 COLLATE NOCASE;
