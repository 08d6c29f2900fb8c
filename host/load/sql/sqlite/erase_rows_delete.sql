-- Deletes those rows. Parameters as in erase_rows.sql
DELETE FROM :"table"
WHERE _client_id = ?1 AND CAST(:"a" AS TEXT) = ?2 AND CAST(:"b" AS TEXT) = ?3
  AND CAST(:"c" AS TEXT) = ?4;
SELECT changes() AS rows;
