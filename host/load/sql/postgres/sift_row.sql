-- A record in the stage: at a place, or the one that has the row of a child table there.
SELECT r.ctid::text, r."_load_id", :row_file, :row_number, :object
FROM _etl.:"stage" AS r WHERE :these LIMIT 1;
