-- A client's rows of a table, for a file. $1 client
DECLARE etl_export NO SCROLL CURSOR FOR
SELECT * FROM :"schema".:"table" WHERE _client_id = $1
