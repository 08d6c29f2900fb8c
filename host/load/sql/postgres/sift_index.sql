-- Rows are looked for by their record.
CREATE INDEX ON _etl.:"stage" ("_row");
