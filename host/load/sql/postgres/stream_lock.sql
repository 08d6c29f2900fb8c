-- Has nobody taken it since? And nobody will until COMMIT. $1 stream
SELECT epoch FROM _etl.streams WHERE stream_id = $1::bigint FOR UPDATE
