-- $1 stream
UPDATE _etl.columns SET open_by = NULL, type = CASE type WHEN 'unknown' THEN 'text' ELSE type END
WHERE open_by = $1
