-- Of rows with one key the newest stays: by the cursor, then the one that came last. The stage was
-- filled by one COPY, so ctid is the order of the input.
DELETE FROM pg_temp.etl_stage AS d
USING (
  SELECT s.ctid AS at, row_number() OVER (PARTITION BY :order ORDER BY :newest) AS n
  FROM pg_temp.etl_stage AS s
) AS r
WHERE d.ctid = r.at AND r.n > 1
