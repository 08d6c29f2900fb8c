-- How many rows of a stream have another project than the rules say, and how many there are.
-- $1 stream, $2 client, $3 instance, $4 its rules as JSON
:project_due
SELECT count(*) FILTER (WHERE d.project IS DISTINCT FROM d.before) AS changed, count(*) AS rows
FROM due AS d
