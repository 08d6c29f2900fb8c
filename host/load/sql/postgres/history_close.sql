-- The version that is there ends with the first change.
UPDATE :"schema".:"table" AS t
SET _valid_to = v.starts
FROM pg_temp.etl_stage AS s
JOIN pg_temp.etl_versions AS v ON v.staged = s.ctid
WHERE :match AND v.is_first
