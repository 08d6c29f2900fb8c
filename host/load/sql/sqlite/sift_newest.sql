-- Of rows with one key only the newest comes, and none that a flag deletes: the others leave the stage.
DELETE FROM :"stage" WHERE rowid IN (
  SELECT n.etl_at FROM (
    SELECT k.rowid AS etl_at, row_number() OVER (PARTITION BY :key ORDER BY :order) AS etl_n,
      :deleted AS etl_gone
    FROM :"stage" AS k) AS n
  WHERE n.etl_n > 1 OR n.etl_gone);
