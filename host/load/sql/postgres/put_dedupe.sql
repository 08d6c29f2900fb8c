-- Of rows with one key the newest stays: by the cursor, then the one that came last. The stage was
-- filled by one COPY, so ctid is the order of the input.
DELETE FROM pg_temp.etl_stage AS s
USING (
  SELECT ctid AS at, row_number() OVER (PARTITION BY :keys ORDER BY :newest ctid DESC) AS n
  FROM pg_temp.etl_stage
) AS d
WHERE s.ctid = d.at AND d.n > 1
