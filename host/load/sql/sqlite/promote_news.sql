-- Is there anything to replace: an input in the stage, or one in the table that is not among those
-- that stay? ?1 stream, ?2 generation, ?3 the generation to come, ?4 inputs that stay (JSON list)
SELECT EXISTS (SELECT 1 FROM _etl_units WHERE stream_id = ?1 AND generation = ?3)
  OR EXISTS (SELECT 1 FROM _etl_units
             WHERE stream_id = ?1 AND generation = ?2 AND input NOT LIKE 'dead:%'
               AND input NOT IN (SELECT value FROM json_each(?4)));
