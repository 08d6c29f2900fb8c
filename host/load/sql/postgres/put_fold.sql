-- Records with one key, of which some lack fields, become one with the newest value of each field;
-- those that are older than the row in the table do not count. It comes last in the stage, so that
-- put_dedupe.sql keeps it.
INSERT INTO pg_temp.etl_stage (:all)
SELECT :folded
FROM pg_temp.etl_stage AS s
LEFT JOIN :"schema".:"table" AS t ON :match
WHERE t.:"key" IS NULL OR :newer
GROUP BY :order
HAVING count(*) > 1
