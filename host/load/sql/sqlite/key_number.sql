CASE WHEN instr(:value, '.') > 0 THEN rtrim(rtrim(:value, '0'), '.') ELSE :value END
