-- And how many of another input. What a service answered for all that a stream has (no input) cannot
-- be told apart in the stage, nor gone on with: units of an earlier load are others, too.
-- ?1 stream, ?2 generation, ?3 input or NULL
SELECT count(*) FROM _etl_units
WHERE stream_id = ?1 AND generation = ?2
  AND (input <> ?3 OR ?3 IS NULL AND input LIKE 'window:%');
