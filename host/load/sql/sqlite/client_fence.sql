-- Takes all streams of a client: no run that still works on one can commit any more. ?1 client
UPDATE _etl_streams SET epoch = epoch + 1 WHERE client_id = ?1;
SELECT coalesce(sum(epoch), 0) AS epochs, count(*) AS streams
FROM _etl_streams WHERE client_id = ?1;
