-- Without times of their own the rows of one key are one version: that of the last row. One before it
-- that deletes the row stays, too: what comes after that begins anew.
DELETE FROM pg_temp.etl_stage AS d
USING (
  SELECT s.ctid AS at, NOT :live AS gone, row_number() OVER (PARTITION BY :order ORDER BY :newest) AS n,
    row_number() OVER (PARTITION BY :order, :live ORDER BY :newest) AS n_alike
  FROM pg_temp.etl_stage AS s
) AS r
WHERE d.ctid = r.at AND r.n > 1 AND NOT (r.gone AND r.n_alike = 1)
