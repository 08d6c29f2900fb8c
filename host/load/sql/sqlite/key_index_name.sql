-- A name for an index that is free. ?1 table, ?2 what it is for
WITH RECURSIVE names (n, name) AS (
  SELECT 1, ?1 || ?2
  UNION ALL
  SELECT n + 1, ?1 || ?2 || '_' || (n + 1) FROM names WHERE n < 1000
)
SELECT name FROM names
WHERE NOT EXISTS (SELECT 1 FROM sqlite_master AS m WHERE m.name = names.name COLLATE NOCASE)
LIMIT 1;
