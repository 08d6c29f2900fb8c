-- A newer row with the same values: the version goes on, and what is older than it is stale.
UPDATE :"schema".:"table" AS t
SET :"cursor" = s.:"cursor"
FROM (
  SELECT DISTINCT ON (:order) s.* FROM pg_temp.etl_stage AS s ORDER BY :order, s.:"cursor" DESC
) AS s
WHERE :match AND :live AND s.:"cursor" > t.:"cursor"
  AND NOT pg_catalog.record_image_ne(ROW(:there), ROW(:values))
