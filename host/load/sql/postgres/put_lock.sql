-- Rows that are there stay as they are until put_fold.sql is done with them.
SELECT count(*)
FROM (
  SELECT FROM :"schema".:"table" AS t
  JOIN pg_temp.etl_stage AS s ON :match
  ORDER BY :order
  FOR UPDATE OF t
) AS locked
