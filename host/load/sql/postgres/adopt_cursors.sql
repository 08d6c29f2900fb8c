-- The cursors in a state of dlt's: digits and spelling as they are. A text that stands for a time, a
-- decimal or the like begins with a character of the private use area. $1 the state, as JSON
SELECT s.key AS source, r.key AS resource, i.key AS field,
  ltrim(i.value ->> 'last_value', E'\uF026\uF027\uF028\uF029\uF02A\uF02B\uF02C') AS value
FROM jsonb_each($1::jsonb -> 'sources') AS s,
  jsonb_each(s.value -> 'resources') AS r,
  jsonb_each(r.value -> 'incremental') AS i
ORDER BY 1, 2, 3
