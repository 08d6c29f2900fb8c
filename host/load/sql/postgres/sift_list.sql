SELECT array_agg(s.ctid ORDER BY :placed) FROM _etl.:"stage" AS s
