-- Rows whose key is there already, and all but the first of a key, go from the stage: those that are
-- left are the ones that are inserted, and have child rows.
DELETE FROM pg_temp.etl_stage AS d
USING (
  SELECT s.ctid AS at, row_number() OVER (PARTITION BY :order ORDER BY s.ctid) AS n,
    EXISTS (SELECT FROM :"schema".:"table" AS t WHERE :match) AS is_known
  FROM pg_temp.etl_stage AS s
) AS r
WHERE d.ctid = r.at AND (r.n > 1 OR r.is_known)
