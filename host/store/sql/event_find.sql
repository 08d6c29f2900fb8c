-- What the runs of the client ?1 said with the text ?2 in it; number 0 is a run's own error.
SELECT e.run_id, e.number, e.json AS text
  FROM events AS e JOIN runs AS r ON r.run_id = e.run_id
 WHERE r.client = ?1 AND instr(e.json, ?2) > 0
UNION ALL
SELECT run_id, 0, error FROM runs WHERE client = ?1 AND instr(error, ?2) > 0;
