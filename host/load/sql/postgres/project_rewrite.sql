-- Gives the rows of a stream the projects that the rules say. $1 stream, $2 client, $3 instance,
-- $4 its rules as JSON
:project_due
, changed AS (
  UPDATE :"schema".:"table" AS t SET _project = d.project
  FROM due AS d
  WHERE t.tableoid = d.of AND t.ctid = d.at AND d.project IS DISTINCT FROM d.before
  RETURNING 1
)
SELECT count(*) AS changed FROM changed
