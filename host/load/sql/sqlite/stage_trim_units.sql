-- The ledger with it.
DELETE FROM _etl_units
WHERE stream_id = :stream AND generation = :pending AND start_offset >= :offset;
