-- Rows that are there and not newer go, all of them; put_insert.sql brings them as they are now.
DELETE FROM :"schema".:"table" AS t
USING pg_temp.etl_stage AS s
WHERE :match AND :newer AND :live
