-- What a stream of this key has loaded already. $1 client, $2 instance, $3 resource, $4 schema,
-- $5 table
SELECT (SELECT count(*) FROM _etl.units AS u WHERE u.stream_id = s.stream_id)
  + (SELECT count(*) FROM _etl.files AS f WHERE f.stream_id = s.stream_id)
  + (SELECT count(*) FROM _etl.dead_rows AS d WHERE d.stream_id = s.stream_id)
  + (s.cursor IS NOT NULL)::integer + (s.pending IS NOT NULL)::integer AS records
FROM (SELECT 1) AS one
LEFT JOIN _etl.streams AS s ON s.client_id = $1 AND s.instance = $2 AND s.resource = $3
  AND s.table_schema = $4 AND s.table_name = $5
