-- The stage goes with its savepoint, so that the next piece has its own.
DROP TABLE pg_temp.etl_stage:versions;
RELEASE SAVEPOINT piece
