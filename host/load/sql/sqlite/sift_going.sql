-- Of the rows t of a table: those that a promotion deletes.
(:scope) AND :not ((t."_load_id", :of_file) IN (SELECT p.load_id, p.name FROM (
:pairs
) AS p) IS TRUE)
