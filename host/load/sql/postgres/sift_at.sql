r.ctid = :'at'::tid
