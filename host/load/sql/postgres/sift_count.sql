SELECT count(*) FROM _etl.:"stage";
