-- How many rows of a table a stream has loaded: those of its loads, or all of the client and the
-- instance. $1 stream, $2 client, $3 instance, $4 whether no other stream loads into it
SELECT count(*) AS rows FROM :"schema".:"table"
WHERE _client_id = $2 AND _source = $3
  AND ($4::boolean OR _load_id IN (SELECT load_id FROM _etl.loads WHERE stream_id = $1::bigint))
