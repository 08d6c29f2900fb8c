-- Marks dead rows as discarded. ?1: ids ("12,13"), or "all"
SELECT count(*) AS rows FROM _etl_dead_rows
WHERE status = 'dead' AND (?1 = 'all' OR instr(',' || ?1 || ',', ',' || dead_id || ',') > 0);
UPDATE _etl_dead_rows
SET status = 'discarded', resolved_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE status = 'dead' AND (?1 = 'all' OR instr(',' || ?1 || ',', ',' || dead_id || ',') > 0);
