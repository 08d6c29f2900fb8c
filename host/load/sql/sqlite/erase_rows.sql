-- How many rows of a client have these values, and how many rows are others. ?1 client, ?2, ?3, ?4
-- the values of :a, :b, :c as text
SELECT count(*) FILTER (WHERE m.matches) AS rows, count(*) FILTER (WHERE NOT m.matches) AS others
FROM (SELECT coalesce(_client_id = ?1 AND CAST(:"a" AS TEXT) = ?2 AND CAST(:"b" AS TEXT) = ?3
                      AND CAST(:"c" AS TEXT) = ?4, 0) AS matches
      FROM :"table") AS m;
