-- Whether a partition's index is attached. $1 the parent's index, $2 the
-- partition's oid.
SELECT EXISTS (SELECT FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid
                WHERE h.inhparent = to_regclass($1) AND i.indrelid = $2::oid)
