-- The indexes that were built and are still there; whether partitioned.
SELECT i.name, c.relkind = 'I'
  FROM contactsync.installed i
  JOIN pg_class c ON c.oid = to_regclass(i.name)
 WHERE i.kind = 'index'
