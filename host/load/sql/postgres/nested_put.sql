-- Rows of records that change nothing, because a newer one is there or comes with the unit.
DELETE FROM pg_temp.etl_child
WHERE _etl_record NOT IN (SELECT p.:"record" FROM pg_temp.etl_parents AS p
                          WHERE p.:"record" IS NOT NULL AND NOT p.gone);
-- Rows that are there and that their record does not have any more. The list of those that it has
-- is hashed; those that are there are looked up record by record, which the planner, who knows nothing
-- of the stages, would not do by itself (OFFSET keeps it to that).
DELETE FROM :"schema".:"table"
WHERE ctid = ANY (ARRAY(
  SELECT x.at
  FROM pg_temp.etl_parents AS p
  CROSS JOIN LATERAL (
    SELECT t.ctid AS at, :positions FROM :"schema".:"table" AS t WHERE :of OFFSET 0
  ) AS x
  WHERE p.gone
    OR p.:"record" IS NOT NULL
      AND (p.:"record", :found_positions) NOT IN (SELECT s._etl_record, :staged_positions
                                            FROM pg_temp.etl_child AS s)));
-- Rows that are there and differ.
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
