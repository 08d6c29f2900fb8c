-- The record that has the row of a child table at a place.
SELECT r.rowid AS _etl_at, r.* FROM :"stage" AS r
WHERE (r."_load_id", r."_file", r."_row") = (
  SELECT c."_load_id", c."_file", c."_row" FROM :"child_stage" AS c WHERE c.rowid = :at)
LIMIT 1;
