-- The fence: the stream's state row, shared, so that lanes do not wait for each other. The search
-- path stays as it is, for triggers of the table.
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
SELECT s.epoch, s.client_id,
  (SELECT l.run_id FROM _etl.loads AS l WHERE l.stream_id = s.stream_id
   ORDER BY l.load_id DESC LIMIT 1)
FROM _etl.streams AS s
WHERE s.stream_id = :stream_id
FOR SHARE OF s;
