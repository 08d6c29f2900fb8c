SELECT max(version) FROM _etl_meta;
