-- The ledger after a window's rows came: its units count from now on.
UPDATE _etl.units SET generation = :generation
WHERE stream_id = :stream AND generation = :pending;
UPDATE _etl.files SET generation = :generation
WHERE stream_id = :stream AND generation = :pending;
DROP TABLE IF EXISTS _etl.:"stage";
