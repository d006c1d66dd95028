-- The contacts table that was migrated, and the one that search_path leads to;
-- '' for none.
SELECT coalesce((SELECT i.name FROM contactsync.installed i WHERE i.kind = 'contacts'), ''),
       coalesce((SELECT format('%I.%I', n.nspname, c.relname)
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid = to_regclass('contacts')), '')
