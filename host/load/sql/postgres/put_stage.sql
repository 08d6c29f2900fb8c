-- The stage of a unit whose rows are not just appended: the columns that the rows bring, as the
-- table has them, without its constraints. Gone with the transaction, as a pooler wants it.
--
-- Where records have child tables and may be deleted, those that are deleted and come again are noted.
--
-- A unit is small and the table may be large, of which the planner knows nothing: by itself it reads
-- the whole table into a hash. So rows are looked up by the key's index, one by one.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
-- A unit is sorted in memory.
SELECT set_config('work_mem', '32MB', true)
WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('32MB');
CREATE TEMP TABLE etl_stage ON COMMIT DROP AS
SELECT :columns:absent FROM :"schema".:"table" WITH NO DATA:reborn
