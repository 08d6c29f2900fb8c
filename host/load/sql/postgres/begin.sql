BEGIN ISOLATION LEVEL :isolation;
SET LOCAL search_path = pg_catalog;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL statement_timeout = :statement_ms;
SET LOCAL lock_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '5min';
SELECT set_config('client_connection_check_interval', '2s', true)
WHERE current_setting('server_version_num')::integer >= 140000 AND version() LIKE '%linux%';
