-- Takes all streams of a client: no run that still works on one can commit any more. It waits for
-- units that are being committed. $1 client
WITH taken AS (
  UPDATE _etl.streams SET epoch = epoch + 1 WHERE client_id = $1 RETURNING epoch
)
SELECT coalesce(sum(epoch), 0) AS epochs, count(*) AS streams FROM taken
