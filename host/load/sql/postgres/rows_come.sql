-- Rows come where none go: without RETURNING and statements in WITH it takes two thirds of the time.
INSERT INTO :"schema".:"table" (:columns) SELECT :columns FROM :source AS s;
