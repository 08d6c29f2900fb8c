-- Has nobody taken it since? ?1 stream
SELECT epoch FROM _etl_streams WHERE stream_id = CAST(?1 AS INTEGER);
