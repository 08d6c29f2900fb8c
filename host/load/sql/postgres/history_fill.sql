-- Fields that a record lacks take the value of the record before it, first that of the version that is
-- there; a row that was deleted begins anew. Each key is walked from record to record, all of them at
-- once. Then the stage is filled again, in the same order.
CREATE TEMP TABLE etl_chain ON COMMIT DROP AS
SELECT s.*, row_number() OVER (ORDER BY :order, :oldest) AS etl_n, NOT :live AS etl_gone,
  row_number() OVER (PARTITION BY :order ORDER BY :oldest) = 1 AS etl_first
FROM pg_temp.etl_stage AS s;
CREATE UNIQUE INDEX etl_chain_n ON pg_temp.etl_chain (etl_n);
TRUNCATE pg_temp.etl_stage;
WITH RECURSIVE filled (:columns, etl_n, etl_gone) AS (
  SELECT :filled, s.etl_n, s.etl_gone
  FROM pg_temp.etl_chain AS s
  LEFT JOIN :"schema".:"table" AS t ON :match
  WHERE s.etl_first
  UNION ALL
  SELECT :carried, s.etl_n, s.etl_gone
  FROM filled AS t
  JOIN pg_temp.etl_chain AS s ON s.etl_n = t.etl_n + 1
  WHERE NOT s.etl_first
)
INSERT INTO pg_temp.etl_stage (:columns)
SELECT :columns FROM filled ORDER BY etl_n;
DROP TABLE pg_temp.etl_chain
