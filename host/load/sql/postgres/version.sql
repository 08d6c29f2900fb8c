SELECT max(version) FROM _etl.meta;
