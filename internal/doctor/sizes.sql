-- How large the indexes of the queue are, in bytes, with those of partitions,
-- and then the key of the claims. $1 their names.
SELECT w.name,
       x.indexrelid::regclass::text,
       coalesce((SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(x.indexrelid) AS p),
                pg_relation_size(x.indexrelid))::bigint
  FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place)
  JOIN pg_class i ON i.relname = w.name
  JOIN pg_index x ON x.indexrelid = i.oid
 WHERE x.indrelid IN (to_regclass('contacts'), to_regclass('contactsync.claims'))
 ORDER BY w.place
