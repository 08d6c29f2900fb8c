-- How many units a generation has, and how many of them are of another input.
-- $1 stream, $2 generation, $3 input or NULL
SELECT count(*), count(*) FILTER (WHERE input <> $3)
FROM _etl.units
WHERE stream_id = $1 AND generation = $2
