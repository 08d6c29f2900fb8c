-- Rows go and others come in one statement: a foreign key of another table finds the keys that are
-- there before and after. The count is read by the rows that come, so the others are gone by then.
WITH pair AS (
:pairs
), gone AS (
  DELETE FROM :"schema".:"table" AS t
  WHERE (:scope)
    AND :not EXISTS (SELECT 1 FROM pair AS p
                     WHERE p.load_id = t."_load_id" AND p.name = :of_file)
  RETURNING 1
), went AS (
  SELECT count(*) AS n FROM gone
), came AS (
  INSERT INTO :"schema".:"table" (:columns)
  SELECT :columns FROM :source AS s WHERE (SELECT n FROM went) >= 0
  RETURNING 1
)
SELECT (SELECT n FROM went), (SELECT count(*) FROM came);
