-- Were the stream's rows loaded by other rules of projects? A stream without rows takes these; all of
-- its rows are new where they were all loaded again. ?1 stream, ?2 its rules as JSON, ?3 all again
UPDATE _etl_streams AS s
SET projects = CASE
  WHEN ?3 = 'true'
    OR NOT EXISTS (SELECT 1 FROM _etl_units AS u WHERE u.stream_id = s.stream_id AND u.rows > 0)
    AND NOT EXISTS (SELECT 1 FROM _etl_loads AS l
                    WHERE l.stream_id = s.stream_id AND l.rows_loaded > 0)
    THEN ?2
  ELSE projects END
WHERE stream_id = CAST(?1 AS INTEGER)
RETURNING CASE WHEN coalesce(projects, '[]') <> ?2 THEN 'true' ELSE 'false' END AS other;
