-- The rows t of a stream: its client's and its source's, but not those that another stream loaded.
t."_client_id" = :'client' AND t."_source" = :'instance'
AND NOT EXISTS (SELECT 1 FROM _etl_loads AS other
                WHERE other.load_id = t."_load_id" AND other.stream_id <> :stream)
