-- A cursor without a value so far stays open: closed as text, 9 would be newer than 10.
-- $1 stream, $2 column of the cursor or NULL
UPDATE _etl.columns SET open_by = NULL, type = CASE type WHEN 'unknown' THEN 'text' ELSE type END
WHERE open_by = $1 AND NOT (type = 'unknown' AND column_name IS NOT DISTINCT FROM $2)
