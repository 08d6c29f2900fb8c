-- The rows are those of these rules from now on. Waits for units under way, and an older run that
-- wakes up can write nothing more. $1 stream, $2 its rules as JSON
UPDATE _etl.streams SET epoch = epoch + 1, projects = $2::jsonb
WHERE stream_id = $1::bigint
