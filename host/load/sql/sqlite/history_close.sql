UPDATE :"table" SET _valid_to = :from WHERE :match AND _valid_to IS NULL;
