INSERT INTO :"schema".:"table" (:columns)
SELECT :columns FROM _etl.:"stage" AS s WHERE s.ctid = ANY ($1) ORDER BY :placed
