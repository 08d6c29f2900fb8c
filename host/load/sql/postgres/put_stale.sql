-- How many rows are older than what is there?
SELECT count(*)
FROM pg_temp.etl_stage AS s
JOIN :"schema".:"table" AS t ON :match
WHERE NOT :newer
