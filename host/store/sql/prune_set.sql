-- The destination ?1 was pruned at ?2.
INSERT INTO prunes (destination, at) VALUES (?1, CAST(?2 AS INTEGER))
ON CONFLICT (destination) DO UPDATE SET at = excluded.at;
