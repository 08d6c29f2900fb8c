-- Has it more than :limit rows of other loads than :load?
SELECT count(*) > :limit
FROM (SELECT 1 FROM :"table" WHERE _load_id IS NOT :load LIMIT :limit + 1);
