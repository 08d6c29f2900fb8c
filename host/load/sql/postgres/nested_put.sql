-- Rows of records that change nothing, because a newer one is there or comes with the unit.
DELETE FROM pg_temp.etl_child
WHERE _etl_record NOT IN (SELECT p.:"record" FROM pg_temp.etl_parents AS p
                          WHERE p.:"record" IS NOT NULL AND NOT p.gone);
-- Rows that are there and that their record does not have any more. The list of those that it has
-- is hashed.
DELETE FROM :"schema".:"table" AS t
USING pg_temp.etl_parents AS p
WHERE :of
  AND (p.gone
       OR p.:"record" IS NOT NULL
          AND (p.:"record", :positions) NOT IN (SELECT s._etl_record, :staged_positions
                                              FROM pg_temp.etl_child AS s));
-- Rows that are there and differ, or whose record was written.
UPDATE :"schema".:"table" AS t
SET :assign
FROM pg_temp.etl_child AS s
WHERE :match AND pg_catalog.record_image_ne(ROW(:there), ROW(:staged));
INSERT INTO :"schema".:"table" (:columns)
SELECT :all
FROM pg_temp.etl_child AS s
WHERE NOT EXISTS (SELECT FROM :"schema".:"table" AS t WHERE :match)
ORDER BY :order;
DROP TABLE pg_temp.etl_child
