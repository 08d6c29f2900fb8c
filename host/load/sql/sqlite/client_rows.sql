-- How many rows of a table are a client's, and how many are others'. ?1 client
SELECT count(*) FILTER (WHERE _client_id = ?1) AS rows,
  count(*) FILTER (WHERE _client_id IS NOT ?1) AS others
FROM :"table";
