WITH pair AS (
:pairs
)
DELETE FROM :"table" AS t
WHERE (:scope)
  AND :not ((t."_load_id", :of_file) IN (SELECT p.load_id, p.name FROM pair AS p) IS TRUE);
INSERT INTO :"table" (:columns) SELECT :columns FROM :source AS s;
