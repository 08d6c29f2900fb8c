-- How many rows of a table are not a client's. ?1 client
SELECT count(*) AS rows FROM :"table" WHERE _client_id IS NOT ?1;
