-- As put_reborn.sql; and which records those are, since the rows of their lists begin anew, too.
INSERT INTO pg_temp.etl_reborn (:keys)
SELECT DISTINCT :order
FROM (
  SELECT s.*, first_value(:live) OVER (PARTITION BY :order ORDER BY :newest) AS etl_lives
  FROM pg_temp.etl_stage AS s
) AS s
JOIN :"schema".:"table" AS t ON :match
WHERE :newer AND NOT :live AND s.etl_lives;
DELETE FROM :"schema".:"table" AS t
USING (
  SELECT s.*, first_value(:live) OVER (PARTITION BY :order ORDER BY :newest) AS etl_lives
  FROM pg_temp.etl_stage AS s
) AS s
WHERE :match AND :newer AND NOT :live AND s.etl_lives
