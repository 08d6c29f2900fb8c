-- And so do the rows from a value of the cursor on: a time, which may have a fraction where the value
-- has its Z.
DELETE FROM :"stage" WHERE :"column" >= rtrim(:'from', 'Z');
