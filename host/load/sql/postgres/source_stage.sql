_etl.:"stage"
