-- Nobody else writes the stream until the transaction ends. $1 stream, $2 epoch
UPDATE _etl.streams SET generation = generation
WHERE stream_id = $1 AND epoch = $2
RETURNING generation
