-- Midnights become the dates that they came as.
UPDATE :"table" SET :"column" = substr(:"column", 1, length(:"column") - 9)
WHERE :"column" LIKE '%T00:00:00';
