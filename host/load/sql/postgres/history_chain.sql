-- The changes of each key, in their order: rows that differ from the one before, or from the
-- version that is there, or that say that it is gone. Then how many, how many of those, and how many
-- versions end when they begin.
CREATE TEMP TABLE etl_versions ON COMMIT DROP AS
WITH chain AS (
  SELECT s.ctid AS staged, lag(s.ctid) OVER follows AS before,
    last_value(s.ctid) OVER (follows ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS newest,
    coalesce(bool_and(:live) OVER (follows ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS goes_on
  FROM pg_temp.etl_stage AS s
  WINDOW follows AS (PARTITION BY :order ORDER BY :oldest)
)
SELECT s.ctid AS staged, :at AS starts, NOT :live AS gone,
  lead(:at) OVER following AS ends,
  row_number() OVER following = 1 AS is_first,
  c.before AS seen_before, -- the last row that changed nothing, of the version before
  coalesce(lead(c.before) OVER following, c.newest) AS seen:kept_there
FROM chain AS c
JOIN pg_temp.etl_stage AS s ON s.ctid = c.staged
LEFT JOIN pg_temp.etl_stage AS p ON p.ctid = c.before
LEFT JOIN :"schema".:"table" AS t ON c.goes_on AND :match
WHERE CASE
  WHEN c.before IS NOT NULL THEN :lived <> :live
    OR :live AND pg_catalog.record_image_ne(ROW(:before), ROW(:values))
  WHEN t.:"key" IS NULL THEN :live
  ELSE NOT :live OR pg_catalog.record_image_ne(ROW(:there), ROW(:values))
END
WINDOW following AS (PARTITION BY :order ORDER BY :oldest);
SELECT count(*), count(*) FILTER (WHERE gone), count(*) FILTER (WHERE NOT gone AND ends <= starts)
FROM pg_temp.etl_versions
