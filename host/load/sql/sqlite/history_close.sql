-- The version that is there ends, with the cursor of the row in which it was seen last.
UPDATE :"table" SET _valid_to = :from:touched WHERE :match AND _valid_to IS NULL;
