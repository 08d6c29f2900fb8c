DELETE FROM :"stage" WHERE "_load_id" = :load AND "_file" = :'file' AND "_row" = :row;
