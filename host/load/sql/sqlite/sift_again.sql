-- A row of a window that a table refuses as it did in an earlier run is one dead row, as often as there
-- are. ?1 stream, ?2 generation of the stage, ?3 load, ?4 file, ?5 code, ?6 reason, ?7 raw
UPDATE _etl_dead_rows SET load_id = ?3, file = ?4
WHERE dead_id = (
  SELECT min(e.dead_id) FROM _etl_dead_rows AS e
  WHERE e.stream_id = ?1 AND e.status = 'dead' AND e.code = ?5 AND e.reason = ?6 AND e.raw = ?7
    AND e.load_id < (SELECT min(u.load_id) FROM _etl_units AS u
                     WHERE u.stream_id = ?1 AND u.generation = ?2))
RETURNING dead_id;
