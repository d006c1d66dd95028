-- Whether the index of that name is valid; no row when there is none. $1 the
-- table's oid, $2 the index's name.
SELECT i.indisvalid
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = $1::oid AND c.relname = $2
