SELECT f ->> 0, f ->> 1, f ->> 2
FROM jsonb_array_elements(current_setting('etl.sift_found')::jsonb) AS f
