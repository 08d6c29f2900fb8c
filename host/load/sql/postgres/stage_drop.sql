DROP TABLE IF EXISTS _etl.:"stage";
