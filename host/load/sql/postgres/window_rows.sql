-- The rows of a window come; those of its period, or at its lower bound, go first (promote_rows.sql).
WITH gone AS (
  DELETE FROM :"schema".:"table" AS t WHERE (:scope) AND (:range)
  RETURNING 1
), went AS (
  SELECT count(*) AS n FROM gone
), came AS (
  INSERT INTO :"schema".:"table" (:columns)
  SELECT :columns FROM :source AS s WHERE (SELECT n FROM went) >= 0
  RETURNING 1
)
SELECT (SELECT n FROM went), (SELECT count(*) FROM came);
