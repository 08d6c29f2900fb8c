DELETE FROM :"schema".:"table" AS t WHERE :going
