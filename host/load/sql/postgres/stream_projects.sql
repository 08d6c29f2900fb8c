-- Were the stream's rows loaded by other rules of projects? A stream without rows takes these; all of
-- its rows are new where they were all loaded again. $1 stream, $2 its rules as JSON, $3 all again
UPDATE _etl.streams AS s
SET projects = CASE
  WHEN $3::boolean
    OR NOT EXISTS (SELECT FROM _etl.units AS u WHERE u.stream_id = s.stream_id AND u.rows > 0)
    AND NOT EXISTS (SELECT FROM _etl.loads AS l
                    WHERE l.stream_id = s.stream_id AND l.rows_loaded > 0)
    THEN $2::jsonb
  ELSE s.projects END
WHERE s.stream_id = $1::bigint
RETURNING (coalesce(s.projects, '[]') IS DISTINCT FROM $2::jsonb)::text AS other
