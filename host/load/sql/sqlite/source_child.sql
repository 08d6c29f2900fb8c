(SELECT c.* FROM :"stage" AS c
 WHERE (c."_load_id", c."_file", c."_row") IN
   (SELECT n."_load_id", n."_file", n."_row" FROM :parents AS n))
