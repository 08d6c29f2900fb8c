-- A version that ends when it began was never valid.
DELETE FROM :"table" WHERE :match AND _valid_to IS NULL;
