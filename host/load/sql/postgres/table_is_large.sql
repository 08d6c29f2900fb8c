-- Has it more than :limit rows of other loads than :load?
SELECT count(*) > :limit
FROM (SELECT 1 FROM :"schema".:"table" WHERE _load_id IS DISTINCT FROM :load
      LIMIT :limit + 1) AS t;
