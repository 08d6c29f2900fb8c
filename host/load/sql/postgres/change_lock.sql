-- One schema change a table at a time. $1 schema, $2 table
SELECT pg_advisory_xact_lock(hashtextextended(format('etlhost %I.%I', $1::text, $2::text), 0))
