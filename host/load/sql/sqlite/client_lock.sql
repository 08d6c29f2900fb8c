-- Has nobody taken a stream since client_fence.sql? ?1 client
SELECT coalesce(sum(epoch), 0) AS epochs FROM _etl_streams WHERE client_id = ?1;
