-- A file has grown: what was loaded of the old content (?4) is the beginning of the new one (?5).
-- ?1 stream, ?2 epoch, ?3 generation, ?6 size, ?7 name
UPDATE _etl_units SET input = ?5, is_last = 0
WHERE stream_id = (SELECT stream_id FROM _etl_streams
                   WHERE stream_id = CAST(?1 AS INTEGER) AND epoch = CAST(?2 AS INTEGER))
  AND generation = CAST(?3 AS INTEGER) AND input = ?4;
UPDATE _etl_files SET input = ?5, size = CAST(?6 AS INTEGER)
WHERE stream_id = (SELECT stream_id FROM _etl_streams
                   WHERE stream_id = CAST(?1 AS INTEGER) AND epoch = CAST(?2 AS INTEGER))
  AND generation = CAST(?3 AS INTEGER) AND input = ?4 AND name = ?7;
SELECT count(*) AS units FROM _etl_units
WHERE stream_id = CAST(?1 AS INTEGER) AND generation = CAST(?3 AS INTEGER) AND input = ?5;
