-- All streams, or those of one client, instance, resource. ?1 client, ?2 instance, ?3 resource
SELECT s.stream_id, s.client_id, s.instance, s.resource, s.table_schema, s.table_name, s.epoch,
  s.cursor, s.pending, s.last_success_at,
  (SELECT coalesce(sum(u.rows), 0) FROM _etl_units AS u
   WHERE u.stream_id = s.stream_id AND u.generation = s.generation) AS rows,
  (SELECT count(*) FROM _etl_files AS f
   WHERE f.stream_id = s.stream_id AND f.generation = s.generation
     AND f.input NOT LIKE 'window:%') AS files,
  (SELECT count(*) FROM _etl_dead_rows AS d
   WHERE d.stream_id = s.stream_id AND d.status = 'dead') AS dead,
  (SELECT l.status FROM _etl_loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1) AS last_status
FROM _etl_streams AS s
WHERE (?1 IS NULL OR s.client_id = ?1)
  AND (?2 IS NULL OR s.instance = ?2)
  AND (?3 IS NULL OR s.resource = ?3)
ORDER BY s.client_id, s.instance, s.resource, s.table_schema, s.table_name;
