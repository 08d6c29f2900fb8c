-- Rows of a stage that a constraint of the table refuses, some at a time.
SELECT s.ctid::text FROM _etl.:"stage" AS s WHERE :test LIMIT 500;
