-- The contacts table that was migrated.
SELECT c.oid, c.relkind::text, n.nspname::text, c.relname::text
  FROM contactsync.installed i
  JOIN pg_class c ON c.oid = to_regclass(i.name)
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.kind = 'contacts'
