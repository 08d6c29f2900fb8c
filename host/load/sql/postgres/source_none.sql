(SELECT none.* FROM :"schema".:"table" AS none WHERE false)
