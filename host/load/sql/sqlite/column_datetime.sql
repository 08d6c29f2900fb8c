-- A date becomes the midnight that begins it.
UPDATE :"table" SET :"column" = :"column" || 'T00:00:00' WHERE :"column" IS NOT NULL;
