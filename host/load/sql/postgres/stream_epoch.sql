-- $1 client, $2 instance, $3 resource, $4 schema, $5 table
UPDATE _etl.streams SET epoch = epoch + 1
WHERE client_id = $1 AND instance = $2 AND resource = $3 AND table_schema = $4 AND table_name = $5
RETURNING stream_id, epoch, generation
