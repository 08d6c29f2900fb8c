-- The ledger after a window's rows came: its units count from now on.
UPDATE _etl_units SET generation = :generation
WHERE stream_id = :stream AND generation = :pending;
UPDATE _etl_files SET generation = :generation
WHERE stream_id = :stream AND generation = :pending;
DROP TABLE IF EXISTS :"stage";
