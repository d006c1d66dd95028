-- The contacts table that was migrated, with its schema, and the type of its id.
SELECT i.name, (SELECT a.atttypid::regtype::text FROM pg_attribute a WHERE a.attrelid = i.name::regclass AND a.attname = 'id')
  FROM contactsync.installed i
 WHERE i.kind = 'contacts'
