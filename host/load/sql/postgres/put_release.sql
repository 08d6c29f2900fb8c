-- The stage goes with its savepoint, so that the next piece has its own.
DROP TABLE IF EXISTS pg_temp.etl_stage:versions;
RELEASE SAVEPOINT piece
