; CREATE TEMP TABLE etl_reborn ON COMMIT DROP AS
SELECT :keys FROM :"schema".:"table" WITH NO DATA
