-- Away with a stream of this key that has loaded nothing. Parameters as in move_taken.sql
WITH stream AS (
  DELETE FROM _etl.streams
  WHERE client_id = $1 AND instance = $2 AND resource = $3 AND table_schema = $4
    AND table_name = $5
  RETURNING stream_id
)
DELETE FROM _etl.loads WHERE stream_id IN (SELECT stream_id FROM stream)
