-- Rows that are not there, the first of each key. Sorted, so that two who insert the same keys do
-- not deadlock; a row that somebody else inserts meanwhile is waited for and left to the next step.
INSERT INTO :"schema".:"table" (:columns)
SELECT :staged
FROM pg_temp.etl_stage AS s
WHERE :live
  AND NOT EXISTS (SELECT FROM :"schema".:"table" AS t WHERE :match)
ORDER BY :order, s.ctid
ON CONFLICT (:keys) DO NOTHING
