-- Of the rows t of a table: those that a promotion deletes.
((:scope) AND :not EXISTS (SELECT 1 FROM (
:pairs
) AS p WHERE p.load_id = t."_load_id" AND p.name = :of_file))
