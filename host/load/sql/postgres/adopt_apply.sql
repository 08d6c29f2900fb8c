-- Takes a table over: its stream, our columns with the values of the rows that are there (a default
-- that is there while the column is added costs no row a write), what stands in the way of rows
-- without dlt's columns, and the record of it all.
DO $adopt$
DECLARE
  w jsonb := current_setting('etlhost.adopt')::jsonb;
  target text := format('%I.%I', w ->> 'schema', w ->> 'table');
  stream bigint;
  load bigint;
  made boolean;
  before jsonb;
  name text;
BEGIN
  INSERT INTO _etl.streams (client_id, instance, resource, table_schema, table_name)
  VALUES (w ->> 'client', w ->> 'instance', w ->> 'resource', w ->> 'schema', w ->> 'table')
  ON CONFLICT DO NOTHING
  RETURNING stream_id INTO stream;
  made := stream IS NOT NULL;
  IF NOT made THEN
    SELECT s.stream_id, s.cursor INTO STRICT stream, before
    FROM _etl.streams AS s
    WHERE s.client_id = w ->> 'client' AND s.instance = w ->> 'instance'
      AND s.resource = w ->> 'resource' AND s.table_schema = w ->> 'schema'
      AND s.table_name = w ->> 'table'
    FOR UPDATE;
  END IF;
  INSERT INTO _etl.loads (stream_id, client_id, run_id, pipeline, status, finished_at)
  VALUES (stream, w ->> 'client', w ->> 'run', 'etlhost adopt', 'succeeded', now())
  RETURNING load_id INTO load;
  EXECUTE format('ALTER TABLE %s ADD COLUMN _client_id text DEFAULT %L, '
    'ADD COLUMN _source text DEFAULT %L, ADD COLUMN _load_id bigint DEFAULT %s, '
    'ADD COLUMN _loaded_at timestamptz DEFAULT %L', target, w ->> 'client', w ->> 'instance',
    load, now());
  EXECUTE format('ALTER TABLE %s ALTER COLUMN _client_id DROP DEFAULT, '
    'ALTER COLUMN _source DROP DEFAULT, ALTER COLUMN _load_id DROP DEFAULT, '
    'ALTER COLUMN _loaded_at DROP DEFAULT', target);
  FOR name IN SELECT jsonb_array_elements_text(w -> 'relax') LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', target, name);
  END LOOP;
  UPDATE _etl.streams SET cursor = coalesce(w -> 'cursor', cursor) WHERE stream_id = stream;
  INSERT INTO _etl.adoptions (stream_id, client_id, load_id, table_schema, table_name, made_stream,
    relaxed, index_name, cursor_before)
  SELECT stream, w ->> 'client', load, w ->> 'schema', w ->> 'table', made,
    ARRAY(SELECT jsonb_array_elements_text(w -> 'relax')), w ->> 'index', before;
END
$adopt$
