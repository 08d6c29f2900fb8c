-- All rows, in their order: where row-level security holds the loader, COPY is refused and INSERT not.
INSERT INTO :"schema".:"table" (:columns)
SELECT :staged
FROM pg_temp.etl_stage AS s
