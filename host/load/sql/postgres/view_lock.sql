-- Whoever changes a view over all clients' tables, or a table below it, comes after the other.
-- $1 schema of the view, $2 its name
SELECT pg_advisory_xact_lock(
  hashtextextended(format('etlhost view %I.%I', $1::text, $2::text), 0))
