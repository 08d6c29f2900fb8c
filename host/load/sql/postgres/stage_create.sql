-- A table beside the bookkeeping that takes the rows of another until they are all there: its columns,
-- what they default to, its checks. What the database writes itself is left to the table; an
-- identity that may be written takes its numbers from the table's own sequence.
CREATE TABLE _etl.:"stage" (LIKE :"schema".:"table" INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
DO $stage$
DECLARE
  col record;
BEGIN
  FOR col IN
    SELECT a.attname, a.attidentity, pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname),
                                                            a.attname) AS numbers
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = :'schema' AND c.relname = :'table' AND a.attnum > 0 AND NOT a.attisdropped
      AND (a.attgenerated <> '' OR a.attidentity <> '')
  LOOP
    IF col.attidentity = 'd' THEN
      EXECUTE format('ALTER TABLE _etl.%I ALTER COLUMN %I SET DEFAULT nextval(%L)', :'stage',
                     col.attname, col.numbers);
    ELSE
      EXECUTE format('ALTER TABLE _etl.%I DROP COLUMN %I CASCADE', :'stage', col.attname);
    END IF;
  END LOOP;
END
$stage$;
