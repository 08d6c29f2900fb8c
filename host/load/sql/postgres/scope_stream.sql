-- The rows t of a stream without a client: those that its loads brought.
t."_load_id" IN (SELECT mine.load_id FROM _etl.loads AS mine WHERE mine.stream_id = :stream)
