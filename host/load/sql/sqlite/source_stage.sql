:"stage"
