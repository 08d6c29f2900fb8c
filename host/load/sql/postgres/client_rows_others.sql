-- How many rows of a table are not a client's. $1 client
SELECT count(*) AS rows FROM :"schema".:"table" WHERE _client_id IS DISTINCT FROM $1
