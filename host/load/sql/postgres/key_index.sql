-- Is there a unique index on just these columns, that ON CONFLICT can use? And if not, is the table
-- one without rows whose storage nobody has set? And is there text among them whose collation takes
-- different bytes for equal? And is the table so large that others should not wait until the index is
-- made, and what is it to be called then? $1 schema, $2 table, $3 the columns as a JSON list,
-- $4 of the versions of a history that have no end
SELECT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indexprs IS NULL
      AND coalesce(pg_get_expr(i.indpred, i.indrelid), '')
        = CASE WHEN $4::boolean THEN '(_valid_to IS NULL)' ELSE '' END
      AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text)
           FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
           WHERE k.n <= i.indnkeyatts)
        = (SELECT array_agg(w.name ORDER BY w.name)
           FROM jsonb_array_elements_text($3::jsonb) AS w (name))),
  c.reloptions IS NULL AND c.relkind = 'r',
  EXISTS (
    SELECT FROM pg_attribute AS a
    JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE a.attrelid = c.oid AND NOT l.collisdeterministic
      AND a.attname::text IN (SELECT w.name FROM jsonb_array_elements_text($3::jsonb) AS w (name))),
  c.relkind = 'r' AND pg_relation_size(c.oid) > 8388608,
  'etl_key_' || md5(concat_ws('.', $1::text, $2::text, $3::text, $4::text))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
