-- Deletes the rows of a stream without a client: those that its loads brought. $1 stream
WITH gone AS (
  DELETE FROM :"schema".:"table" AS t
  WHERE t."_load_id" IN (SELECT mine.load_id FROM _etl.loads AS mine
                          WHERE mine.stream_id = $1::bigint)
  RETURNING 1
)
SELECT count(*) AS rows FROM gone
