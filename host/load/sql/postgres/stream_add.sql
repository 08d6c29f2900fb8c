-- $1 client, $2 instance, $3 resource, $4 schema, $5 table
INSERT INTO _etl.streams (client_id, instance, resource, table_schema, table_name)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
