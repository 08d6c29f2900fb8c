-- Deletes a client's rows from a table. ?1 client
DELETE FROM :"table" WHERE _client_id = ?1;
SELECT changes() AS rows;
