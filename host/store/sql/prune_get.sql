-- When was the destination ?1 last pruned?
SELECT at FROM prunes WHERE destination = ?1;
