-- How many rows a window's rows would replace, and how many come.
SELECT (SELECT count(*) FROM :"schema".:"table" AS t WHERE (:scope) AND (:range)),
  (SELECT count(*) FROM :source AS s);
