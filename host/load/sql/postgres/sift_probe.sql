-- Which rows of a stage does the table refuse when they come one after the other? They are inserted in
-- pieces, and a refused piece is halved, until single rows are refused; then all is taken back but
-- the answer. A row that lacks another (a foreign key) is not to blame: that one may come later.
DO $sift$
DECLARE
  places tid[];
  lefts int[];
  rights int[];
  depth int := 0;
  l int;
  r int;
  state text;
  said text;
  about text;
  found jsonb := '[]';
BEGIN
  EXECUTE current_setting('etl.sift_list') INTO places;
  BEGIN
    EXECUTE current_setting('etl.sift_delete');
    IF cardinality(places) > 0 THEN
      depth := 1;
      lefts[1] := 1;
      rights[1] := cardinality(places);
    END IF;
    WHILE depth > 0 AND jsonb_array_length(found) < 500 LOOP
      l := lefts[depth];
      r := rights[depth];
      depth := depth - 1;
      BEGIN
        EXECUTE current_setting('etl.sift_insert') USING places[l:r];
      EXCEPTION
        WHEN data_exception OR integrity_constraint_violation OR raise_exception
          OR with_check_option_violation OR program_limit_exceeded THEN
          GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT,
            about = COLUMN_NAME;
          IF l < r THEN
            lefts[depth + 1] := (l + r) / 2 + 1;
            rights[depth + 1] := r;
            lefts[depth + 2] := l;
            rights[depth + 2] := (l + r) / 2;
            depth := depth + 2;
          ELSIF state <> '23503' THEN
            found := found || jsonb_build_array(jsonb_build_array(places[l]::text,
                                                                  state || ': ' || said, about));
          END IF;
      END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'EH000';
  EXCEPTION
    WHEN SQLSTATE 'EH000' THEN NULL;
  END;
  PERFORM set_config('etl.sift_found', found::text, true);
END
$sift$;
