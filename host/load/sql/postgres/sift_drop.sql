DELETE FROM _etl.:"stage" AS r WHERE r.ctid = :'at'::tid;
