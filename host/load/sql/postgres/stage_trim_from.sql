-- And so do the rows from a value of the cursor on.
DELETE FROM _etl.:"stage" AS t WHERE t.:"column" >= :'from';
