-- The hash of the trigger text applied last ('' for none), when, and the names
-- of the enabled triggers on contacts.
SELECT coalesce(max(i.detail), ''),
       max(i.at),
       ARRAY(SELECT t.tgname::text
               FROM pg_trigger t
               JOIN pg_proc p ON p.oid = t.tgfoid
              WHERE t.tgrelid = to_regclass('contacts')
                AND t.tgenabled IN ('O', 'A')
                AND p.pronamespace = to_regnamespace('contactsync'))
  FROM contactsync.installed i
 WHERE i.kind = 'triggers' AND i.name = 'sha256'
