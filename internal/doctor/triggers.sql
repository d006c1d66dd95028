-- The triggers of contactsync on contacts and its partitions.
SELECT t.tgname::text,
       t.tgrelid::regclass::text,
       t.tgenabled::text
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE p.pronamespace = to_regnamespace('contactsync')
   AND t.tgrelid IN (SELECT to_regclass('contacts')::oid
                      UNION ALL
                     SELECT relid::oid FROM pg_partition_tree(to_regclass('contacts')))
 ORDER BY 2, 1
