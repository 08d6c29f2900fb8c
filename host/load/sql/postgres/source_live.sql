(SELECT n.* FROM (
  SELECT DISTINCT ON (:key) k.* FROM _etl.:"stage" AS k ORDER BY :key, :order
) AS n WHERE n.:live IS NOT TRUE)
