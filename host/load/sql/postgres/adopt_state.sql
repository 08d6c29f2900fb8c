-- The latest state of each pipeline that dlt ran here: JSON, deflated, as hexadecimal.
SELECT DISTINCT ON (s.pipeline_name) s.pipeline_name AS name,
  encode(decode(s.state, 'base64'), 'hex') AS state
FROM :"schema"._dlt_pipeline_state AS s
ORDER BY s.pipeline_name, s.version DESC, s.created_at DESC
