-- The version that is there ends with the first change; it was seen last in the row before that.
UPDATE :"schema".:"table" AS t
SET _valid_to = v.starts:touched
FROM pg_temp.etl_stage AS s
JOIN pg_temp.etl_versions AS v ON v.staged = s.ctid
LEFT JOIN pg_temp.etl_stage AS l ON l.ctid = v.seen_before
WHERE :match AND v.is_first
