-- After a COMMIT whose answer was lost: waits until the old backend is done, either way.
BEGIN;
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '60s';
SELECT 1 FROM _etl.streams WHERE stream_id = :stream_id FOR UPDATE;
