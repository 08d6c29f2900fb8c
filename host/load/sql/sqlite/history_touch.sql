-- A newer row with the same values: the version goes on, and what is older than it is stale.
UPDATE :"table" SET :assign WHERE :match AND _valid_to IS NULL;
