-- Has nobody taken a stream since client_fence.sql? And nobody will until COMMIT. $1 client
SELECT coalesce(sum(epoch), 0) AS epochs
FROM (SELECT epoch FROM _etl.streams WHERE client_id = $1 FOR UPDATE) AS s
