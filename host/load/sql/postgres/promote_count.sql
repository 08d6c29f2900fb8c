-- How many rows the stream has, how many of them would go, and how many would come.
WITH pair AS (
:pairs
), found AS (
  SELECT EXISTS (SELECT 1 FROM pair AS p
                 WHERE p.load_id = t."_load_id" AND p.name = :of_file) AS listed
  FROM :"schema".:"table" AS t
  WHERE :scope
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM found WHERE :not listed),
  (SELECT count(*) FROM :source AS s);
