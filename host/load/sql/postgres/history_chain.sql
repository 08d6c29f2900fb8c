-- The changes of each key, in their order: rows that differ from the one before, or from the
-- version that is there, or that say that it is gone. Then how many, and how many of those.
CREATE TEMP TABLE etl_versions ON COMMIT DROP AS
WITH chain AS (
  SELECT s.ctid AS staged,
    lag(s.ctid) OVER (PARTITION BY :order ORDER BY :at) AS before
  FROM pg_temp.etl_stage AS s
)
SELECT s.ctid AS staged, :at AS starts, NOT :live AS gone,
  lead(:at) OVER following AS ends,
  row_number() OVER following = 1 AS is_first
FROM chain AS c
JOIN pg_temp.etl_stage AS s ON s.ctid = c.staged
LEFT JOIN pg_temp.etl_stage AS p ON p.ctid = c.before
LEFT JOIN :"schema".:"table" AS t ON c.before IS NULL AND :match
WHERE CASE
  WHEN c.before IS NOT NULL THEN :lived <> :live
    OR :live AND pg_catalog.record_image_ne(ROW(:before), ROW(:values))
  WHEN t.:"key" IS NULL THEN :live
  ELSE NOT :live OR pg_catalog.record_image_ne(ROW(:there), ROW(:values))
END
WINDOW following AS (PARTITION BY :order ORDER BY :at);
SELECT count(*), count(*) FILTER (WHERE gone) FROM pg_temp.etl_versions
