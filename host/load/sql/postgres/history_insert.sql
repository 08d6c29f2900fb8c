-- The new versions, each valid until the next. One that somebody else opens meanwhile is waited for;
-- the unit then starts again.
INSERT INTO :"schema".:"table" (:columns, _valid_from, _valid_to:kept)
SELECT :opened, v.starts, v.ends:kept_before
FROM pg_temp.etl_stage AS s
JOIN pg_temp.etl_versions AS v ON v.staged = s.ctid
JOIN pg_temp.etl_stage AS l ON l.ctid = v.seen
WHERE NOT v.gone AND (v.ends IS NULL OR v.ends > v.starts)
ORDER BY :order, v.starts
ON CONFLICT (:keys) WHERE _valid_to IS NULL DO NOTHING
