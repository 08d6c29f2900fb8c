-- Is there a unique index on just these columns? ?1 table, ?2 the columns as a JSON list, ?3 of the
-- versions of a history that have no end
SELECT EXISTS (
  SELECT 1 FROM pragma_index_list(?1) AS l
  WHERE l."unique"
    AND CASE WHEN ?3
        THEN (SELECT m.sql FROM sqlite_master AS m WHERE m.name = l.name) LIKE '% WHERE _valid_to IS NULL'
        ELSE NOT l.partial END
    AND (SELECT count(*) FROM pragma_index_info(l.name)) = json_array_length(?2)
    AND NOT EXISTS (
      SELECT 1 FROM pragma_index_info(l.name) AS i
      WHERE i.name IS NULL
         OR lower(i.name) NOT IN (SELECT lower(w.value) FROM json_each(?2) AS w)));
