-- What adopt_apply.sql and adopt_undo.sql work on, for the rest of the transaction. $1 a JSON map
SELECT set_config('etlhost.adopt', $1, true)
