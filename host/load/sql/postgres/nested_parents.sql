-- The records that say which child rows there are from now on: those that were written, or are as
-- they were, and those that are gone. They stay as they are until the unit has committed. n0 ... are
-- the numbers of the records, null where a record lacks the field.
-- The costs that the planner guesses are far from what a unit takes: nothing is compiled for it.
SET LOCAL jit = off;
SELECT count(*)
FROM (
  SELECT FROM :"schema".:"table" AS t
  JOIN pg_temp.etl_stage AS s ON :match
  ORDER BY :order
  FOR UPDATE OF t
) AS locked;
CREATE TEMP TABLE etl_parents ON COMMIT DROP AS
SELECT :parents, NOT :live AS gone
FROM pg_temp.etl_stage AS s
LEFT JOIN :"schema".:"table" AS t ON :match
WHERE CASE WHEN t.:"key" IS NULL THEN NOT :live ELSE :live AND :newer END
