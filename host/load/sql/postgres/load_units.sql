-- $1 load: how many of its units are there
SELECT count(*) FROM _etl.units WHERE load_id = $1
