-- Marks the dead rows of stream $1 whose ids are in the list $2 ("12,13,40") as resolved.
UPDATE _etl.dead_rows
   SET status = 'resolved', resolved_at = now()
 WHERE stream_id = $1::bigint
   AND status = 'dead'
   AND dead_id = ANY (string_to_array($2, ',')::bigint[]);
