DELETE FROM _etl.:"stage" AS r
WHERE r."_load_id" = :load AND r."_file" = :'file' AND r."_row" = :row;
