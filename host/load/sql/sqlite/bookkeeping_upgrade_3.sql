-- From version 2 of the bookkeeping to version 3, in the same transaction as what came before.
-- position: where reading goes on behind the unit, as the source says; null for files.
ALTER TABLE _etl_units ADD COLUMN position TEXT;

UPDATE _etl_meta SET version = 3;
