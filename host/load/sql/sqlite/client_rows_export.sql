-- A client's rows of a table, for a file. ?1 client
SELECT * FROM :"table" WHERE _client_id = ?1;
