DELETE FROM :"table" AS t WHERE :going;
