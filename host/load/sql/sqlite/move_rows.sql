-- Gives these rows another instance. Parameters as in move_rows_count.sql; ?5 the new instance
UPDATE :"table" SET _source = ?5
WHERE _client_id = ?2 AND _source = ?3
  AND (?4 = 'true' OR _load_id IN
       (SELECT load_id FROM _etl_loads WHERE stream_id = CAST(?1 AS INTEGER)));
SELECT changes() AS rows;
