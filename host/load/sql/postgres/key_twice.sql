-- Keys that are there more than once, ten of them, each as a JSON map.
SELECT to_jsonb(k) - 'etl_times', k.etl_times
FROM (
  SELECT :keys, count(*) AS etl_times
  FROM :"schema".:"table":open
  GROUP BY :keys
  HAVING count(*) > 1
  ORDER BY count(*) DESC, :keys
  LIMIT 10
) AS k
