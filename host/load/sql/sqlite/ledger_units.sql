-- ?1 stream, ?2 input, ?3 generation
SELECT start_offset, end_offset, row_start, row_end, line_end, rows, is_last, header, committed_at
FROM _etl_units
WHERE stream_id = ?1 AND input = ?2 AND generation = ?3
ORDER BY start_offset;
