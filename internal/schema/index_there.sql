-- Those of our indexes that contacts has: the quoted name, whether partitioned. $1
-- their names without the schema. Also an INVALID one, which an interrupted run left.
SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'I'
  FROM contactsync.installed i
  JOIN pg_index x ON x.indrelid = to_regclass(i.name)
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.kind = 'contacts' AND c.relname = ANY ($1::text[])
