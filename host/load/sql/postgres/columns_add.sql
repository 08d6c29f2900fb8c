ALTER TABLE :"schema".:"table" :columns;
