-- From version 2 of the bookkeeping to version 3. Runs in the same transaction as what came before.
-- position: where reading goes on behind the unit, as the source says; null for files.
ALTER TABLE _etl.units ADD COLUMN position jsonb;

UPDATE _etl.meta SET version = 3;
