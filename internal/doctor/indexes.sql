-- The indexes of the queue: name, quoted name ('' where there is none), whether
-- it is valid, and whether contacts is partitioned. $1 their names.
SELECT w.name,
       coalesce(i.oid::regclass::text, ''),
       coalesce(x.indisvalid AND x.indisready, false),
       t.relkind = 'p'
  FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place)
  JOIN pg_class t ON t.oid = to_regclass('contacts')
  LEFT JOIN (pg_index x JOIN pg_class i ON i.oid = x.indexrelid) ON x.indrelid = t.oid AND i.relname = w.name
 ORDER BY w.place
