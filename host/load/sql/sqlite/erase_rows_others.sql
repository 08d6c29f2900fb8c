-- How many rows are not those. Parameters as in erase_rows.sql
SELECT count(*) AS rows FROM :"table"
WHERE NOT coalesce(_client_id = ?1 AND CAST(:"a" AS TEXT) = ?2 AND CAST(:"b" AS TEXT) = ?3
                   AND CAST(:"c" AS TEXT) = ?4, 0);
