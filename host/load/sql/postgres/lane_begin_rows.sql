-- lane_begin.sql for a unit with rows: the table's columns come with the fence. Its lock keeps them
-- as they are until the unit has committed, since rows are encoded for the types that were there.
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL statement_timeout = '15min';
SET LOCAL lock_timeout = '30s';
-- A unit's commit need not wait for the disk: rows and ledger vanish together if the server crashes,
-- the commit that finishes the load does wait and covers all before it, and it counts the units.
SET LOCAL synchronous_commit = off;
SET LOCAL idle_in_transaction_session_timeout = '5min';
SELECT set_config('client_connection_check_interval', '2s', true)
WHERE current_setting('server_version_num')::integer >= 140000 AND version() LIKE '%linux%';
LOCK TABLE :"schema".:"table" IN ROW EXCLUSIVE MODE;
SELECT s.epoch, s.client_id,
  (SELECT l.run_id FROM _etl.loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1),
  a.attname, a.atttypid::bigint, a.atttypmod
FROM _etl.streams AS s
LEFT JOIN pg_attribute AS a ON a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = (
  SELECT c.oid FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = :'schema' AND c.relname = :'table')
WHERE s.stream_id = :stream_id
FOR SHARE OF s;
