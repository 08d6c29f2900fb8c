-- Keys that are there more than once, ten of them; how often comes last.
SELECT :named, count(*)
FROM :"table":open
GROUP BY :keys
HAVING count(*) > 1
ORDER BY count(*) DESC, :keys
LIMIT 10;
