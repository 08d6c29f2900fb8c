-- The statements of sift_probe.sql. $1 which lists the rows, $2 which deletes, $3 which inserts rows
SELECT set_config('etl.sift_list', $1, true), set_config('etl.sift_delete', $2, true),
  set_config('etl.sift_insert', $3, true)
