-- Does a key come twice in a unit with records that lack fields?
SELECT EXISTS (SELECT FROM pg_temp.etl_stage GROUP BY :keys HAVING count(*) > 1)
