-- The stage of a unit whose rows are not just appended: the columns that the rows bring, as the
-- table has them, without its constraints. Gone with the transaction, as a pooler wants it.
CREATE TEMP TABLE etl_stage ON COMMIT DROP AS
SELECT :columns:absent FROM :"schema".:"table" WITH NO DATA
