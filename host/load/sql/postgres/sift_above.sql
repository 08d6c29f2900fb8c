(r."_load_id", r."_file", r."_row") = (
  SELECT c."_load_id", c."_file", c."_row" FROM _etl.:"child_stage" AS c WHERE c.ctid = :'at'::tid)
