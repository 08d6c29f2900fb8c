-- Rows that are there, are not newer, and differ. record_image_ne compares the bytes of values, so that
-- 1.10 is not 1.1 and types without equality will do.
UPDATE :"schema".:"table" AS t
SET :assign
FROM pg_temp.etl_stage AS s
WHERE :match AND :newer AND :live
  AND pg_catalog.record_image_ne(ROW(:there), ROW(:staged))
