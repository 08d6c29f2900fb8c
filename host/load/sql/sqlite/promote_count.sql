-- How many rows the stream has, how many of them would go, and how many would come.
WITH pair AS (
:pairs
), found AS (
  SELECT (t."_load_id", :of_file) IN (SELECT p.load_id, p.name FROM pair AS p) IS TRUE AS listed
  FROM :"table" AS t
  WHERE :scope
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM found WHERE :not listed),
  (SELECT count(*) FROM :source AS s);
