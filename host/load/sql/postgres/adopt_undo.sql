-- Gives a table back as it was, unless etlhost has loaded rows into it since.
DO $adopt$
DECLARE
  w jsonb := current_setting('etlhost.adopt')::jsonb;
  target text := format('%I.%I', w ->> 'schema', w ->> 'table');
  a _etl.adoptions;
  count bigint;
  name text;
BEGIN
  SELECT * INTO STRICT a
  FROM _etl.adoptions AS k
  WHERE k.table_schema = w ->> 'schema' AND k.table_name = w ->> 'table' AND k.undone_at IS NULL
  FOR UPDATE;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', target);
  EXECUTE format('SELECT count(*) FROM %s WHERE _load_id IS DISTINCT FROM %s', target, a.load_id)
    INTO count;
  IF count > 0 THEN
    RAISE EXCEPTION 'etlhost has loaded % rows into % since it was adopted', count, target
      USING errcode = '55000';
  END IF;
  IF a.index_name IS NOT NULL THEN
    EXECUTE format('DROP INDEX IF EXISTS %I.%I', a.table_schema, a.index_name);
  END IF;
  FOREACH name IN ARRAY a.relaxed LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', target, name);
  END LOOP;
  EXECUTE format('ALTER TABLE %s DROP COLUMN _client_id, DROP COLUMN _source, '
    'DROP COLUMN _load_id, DROP COLUMN _loaded_at', target);
  DELETE FROM _etl.units AS u WHERE u.load_id = a.load_id;
  DELETE FROM _etl.files AS f WHERE f.stream_id = a.stream_id AND f.first_load_id = a.load_id;
  UPDATE _etl.streams AS s SET cursor = a.cursor_before WHERE s.stream_id = a.stream_id;
  UPDATE _etl.adoptions AS k SET undone_at = now() WHERE k.adoption_id = a.adoption_id;
  IF a.made_stream THEN
    DELETE FROM _etl.units AS u WHERE u.stream_id = a.stream_id;
    DELETE FROM _etl.files AS f WHERE f.stream_id = a.stream_id;
    DELETE FROM _etl.loads AS l WHERE l.stream_id = a.stream_id;
    DELETE FROM _etl.streams AS s WHERE s.stream_id = a.stream_id;
  ELSE
    DELETE FROM _etl.loads AS l WHERE l.load_id = a.load_id;
  END IF;
END
$adopt$
