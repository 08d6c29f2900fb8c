(SELECT none.* FROM :"table" AS none WHERE 0)
