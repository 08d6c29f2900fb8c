(SELECT DISTINCT ON (:key) k.* FROM _etl.:"stage" AS k ORDER BY :key, :order)
