-- The stage of a child table, as put_stage.sql.
CREATE TEMP TABLE etl_child ON COMMIT DROP AS
SELECT :columns, NULL::bigint AS _etl_record FROM :"schema".:"table" WITH NO DATA
