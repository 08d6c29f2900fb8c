-- The version without an end.
SELECT :columns, _valid_from:kept FROM :"table" WHERE :match AND _valid_to IS NULL;
