-- A version that ends when it began was never valid.
DELETE FROM :"schema".:"table" AS t
USING pg_temp.etl_stage AS s
JOIN pg_temp.etl_versions AS v ON v.staged = s.ctid
WHERE :match AND v.is_first AND t._valid_from >= v.starts
