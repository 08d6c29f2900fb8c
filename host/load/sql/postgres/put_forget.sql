-- Records from before a row was deleted are no part of the one that comes after, nor is that one.
DELETE FROM pg_temp.etl_stage AS d
USING (
  SELECT s.ctid AS at, NOT :live AND row_number() OVER chain > 1
    OR coalesce(bool_or(NOT :live) OVER (chain ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS forgotten
  FROM pg_temp.etl_stage AS s
  WINDOW chain AS (PARTITION BY :order ORDER BY :newest)
) AS r
WHERE d.ctid = r.at AND r.forgotten
