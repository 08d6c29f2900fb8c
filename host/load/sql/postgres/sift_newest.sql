-- Of rows with one key only the newest comes, and none that a flag deletes: the others leave the stage.
DELETE FROM _etl.:"stage" AS s
USING (
  SELECT k.ctid AS etl_at, row_number() OVER (PARTITION BY :key ORDER BY :order) AS etl_n,
    :deleted AS etl_gone
  FROM _etl.:"stage" AS k
) AS n
WHERE s.ctid = n.etl_at AND (n.etl_n > 1 OR n.etl_gone);
