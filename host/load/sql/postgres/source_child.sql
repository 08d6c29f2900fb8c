(SELECT c.* FROM _etl.:"stage" AS c
 WHERE EXISTS (SELECT 1 FROM :parents AS n
               WHERE n."_load_id" = c."_load_id" AND n."_file" = c."_file"
                 AND n."_row" = c."_row"))
