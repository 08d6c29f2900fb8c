-- A row r of a stage as a JSON object under the names that its columns were written with, in their
-- order: without those that etlhost adds.
'{' || coalesce((
  SELECT string_agg(to_json(coalesce(w.written_name, e.key))::text || ':' || e.value::text, ','
                    ORDER BY e.n)
  FROM json_each(row_to_json(r)) WITH ORDINALITY AS e (key, value, n)
  LEFT JOIN _etl.columns AS w ON w.table_schema = :'schema' AND w.table_name = :'table'
    AND w.column_name = e.key
  WHERE e.key NOT IN ('_client_id', '_source', '_project', '_load_id', '_loaded_at', '_file', '_row')
    AND (:'child' = '' OR e.key NOT LIKE '\_position%' AND e.key NOT LIKE '\_parent\_%')), '') || '}'
