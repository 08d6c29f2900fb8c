-- Rows that are older than the version that is there, or than the end of one, change nothing.
DELETE FROM pg_temp.etl_stage AS s
USING :"schema".:"table" AS t
WHERE :same AND (t._valid_to IS NULL AND NOT :newer OR :ended)
