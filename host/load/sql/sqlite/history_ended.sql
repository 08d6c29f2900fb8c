-- When did the versions of a key end?
SELECT _valid_to FROM :"table" WHERE :match AND _valid_to IS NOT NULL;
