-- $1 stream, $2 load, $3 schema, $4 table, $5 the changes as a JSON list
WITH change AS (
  SELECT * FROM jsonb_to_recordset($5::jsonb) AS c (
    n integer, kind text, name text, written text, from_type text, to_type text, open boolean,
    why text)
), log AS (
  INSERT INTO _etl.schema_changes (stream_id, load_id, table_schema, table_name, column_name,
                                   change, from_type, to_type, why)
  SELECT $1::bigint, $2::bigint, $3::text, $4::text, c.name, c.kind, c.from_type, c.to_type, c.why
  FROM change AS c
  ORDER BY c.n
)
INSERT INTO _etl.columns AS k (table_schema, table_name, column_name, written_name, type, open_by,
                               load_id)
SELECT DISTINCT ON (c.name) $3, $4, c.name, c.written, c.to_type,
  CASE WHEN c.open THEN $1::bigint END, $2::bigint
FROM change AS c
WHERE c.name IS NOT NULL
ORDER BY c.name, c.n DESC
ON CONFLICT (table_schema, table_name, column_name) DO UPDATE
SET type = excluded.type, load_id = excluded.load_id,
  written_name = coalesce(excluded.written_name, k.written_name),
  open_by = CASE WHEN (SELECT bool_and(c.kind = 'change type') FROM change AS c
                       WHERE c.name = excluded.column_name)
    THEN k.open_by ELSE excluded.open_by END
