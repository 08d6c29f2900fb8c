-- After the last row of an export.
CLOSE etl_export
