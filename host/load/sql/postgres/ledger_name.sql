-- The name under which an input came first, and whether another content came under this name.
-- $1 stream, $2 input, $3 generation, $4 name
SELECT
  (SELECT f.name FROM _etl.files AS f
   WHERE f.stream_id = $1 AND f.input = $2 AND f.generation = $3
   ORDER BY f.first_load_id, f.first_seen_at, f.name LIMIT 1),
  EXISTS (SELECT 1 FROM _etl.files AS f
          WHERE f.stream_id = $1 AND f.generation = $3 AND f.name = $4 AND f.input <> $2)
