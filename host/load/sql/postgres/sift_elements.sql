-- The rows of a child table in the stage that belong to a record.
SELECT :object, :places FROM _etl.:"stage" AS r
WHERE r."_load_id" = :load AND r."_file" = :'file' AND r."_row" = :row ORDER BY :places;
