-- Rows whose flag says that they are gone.
DELETE FROM :"schema".:"table" AS t
USING pg_temp.etl_stage AS s
WHERE :match AND :newer AND NOT :live
