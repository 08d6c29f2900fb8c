-- A row that is deleted and comes again later in the unit begins anew, as it does in two units.
DELETE FROM :"schema".:"table" AS t
USING (
  SELECT s.*, first_value(:live) OVER (PARTITION BY :order ORDER BY :newest) AS etl_lives
  FROM pg_temp.etl_stage AS s
) AS s
WHERE :match AND :newer AND NOT :live AND s.etl_lives
