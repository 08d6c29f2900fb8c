(SELECT * FROM (
  SELECT k.*, row_number() OVER (PARTITION BY :key ORDER BY :order) AS _etl_place
  FROM :"stage" AS k
) AS n WHERE _etl_place = 1 AND n.:live IS NOT 'true')
