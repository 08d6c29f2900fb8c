-- The rows of a window come; those of its period, or at its lower bound, go first.
DELETE FROM :"table" AS t WHERE (:scope) AND (:range);
INSERT INTO :"table" (:columns) SELECT :columns FROM :source AS s;
