-- A window is complete, and so are its units. ?1 stream, ?2 epoch, ?3 the cursor from now on, NULL: as
-- it was, ?4 load, ?5 how many units of the load have committed, ?6 generation, ?7 the window: of its
-- dead rows those go that are open from an earlier load, with the same bytes and for the same reason,
-- and as often. (Rows that are put by their key: the same records, read again.) Those that are open
-- are gone through once.
DELETE FROM _etl_dead_rows
WHERE dead_id IN (
  WITH mine AS MATERIALIZED (
    SELECT u.load_id, u.start_offset, u.end_offset
    FROM _etl_streams AS s
    JOIN _etl_units AS u ON u.stream_id = s.stream_id
    WHERE s.stream_id = CAST(?1 AS INTEGER) AND s.epoch = CAST(?2 AS INTEGER)
      AND u.generation = CAST(?6 AS INTEGER) AND u.input = ?7 AND u.dead > 0
  ), fresh AS MATERIALIZED (
    SELECT d.dead_id, d.load_id, d.code, d.column_name, d.reason, d.raw,
      row_number() OVER same AS nth, min(d.dead_id) OVER same AS alike
    FROM _etl_dead_rows AS d
    CROSS JOIN mine AS m ON m.load_id = d.load_id
      AND d.byte_offset >= m.start_offset AND d.byte_offset < m.end_offset
    WHERE EXISTS (SELECT 1 FROM mine)
      AND d.stream_id = CAST(?1 AS INTEGER) AND d.status = 'dead'
    WINDOW same AS (PARTITION BY d.load_id, d.code, d.column_name, d.reason, d.raw
                    ORDER BY d.dead_id)
  ), earlier AS MATERIALIZED (
    SELECT f.alike, row_number() OVER (PARTITION BY f.alike ORDER BY e.dead_id) AS nth
    FROM _etl_dead_rows AS e
    CROSS JOIN fresh AS f ON f.raw = e.raw AND f.code = e.code AND f.reason = e.reason
      AND f.column_name IS e.column_name AND f.nth = 1 AND f.load_id > e.load_id
    WHERE EXISTS (SELECT 1 FROM fresh)
      AND e.stream_id = CAST(?1 AS INTEGER) AND e.status = 'dead'
  )
  SELECT f.dead_id
  FROM fresh AS f
  JOIN earlier AS e ON e.alike = f.alike AND e.nth = f.nth
);
UPDATE _etl_streams SET cursor = coalesce(?3, cursor), pending = NULL
WHERE stream_id = CAST(?1 AS INTEGER) AND epoch = CAST(?2 AS INTEGER)
  AND (SELECT count(*) FROM _etl_units WHERE load_id = CAST(?4 AS INTEGER)) >= CAST(?5 AS INTEGER);
SELECT changes() AS streams,
  (SELECT count(*) FROM _etl_units WHERE load_id = CAST(?4 AS INTEGER)) AS units;
