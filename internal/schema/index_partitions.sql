-- The direct partitions of a table. $1 its oid.
SELECT c.oid, c.relkind::text, n.nspname::text, c.relname::text
  FROM pg_inherits h
  JOIN pg_class c ON c.oid = h.inhrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE h.inhparent = $1::oid
 ORDER BY c.oid
