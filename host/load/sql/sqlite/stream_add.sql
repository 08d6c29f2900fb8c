-- ?1 client, ?2 instance, ?3 resource, ?4 schema, ?5 table, ?6 now
INSERT INTO _etl_streams (client_id, instance, resource, table_schema, table_name, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO NOTHING;
