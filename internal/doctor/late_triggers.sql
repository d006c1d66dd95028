-- The triggers of others that still change a row when ours have seen it: row
-- triggers BEFORE UPDATE that come after them in the order of their names.
SELECT t.tgname::text, t.tgrelid::regclass::text, quote_ident(t.tgname), quote_ident('a_' || t.tgname)
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE p.pronamespace IS DISTINCT FROM to_regnamespace('contactsync')
   AND t.tgrelid IN (SELECT to_regclass('contacts')::oid
                      UNION ALL
                     SELECT relid::oid FROM pg_partition_tree(to_regclass('contacts')))
   AND t.tgparentid = 0 -- a partition's goes with its parent's
   AND t.tgtype::int & 19 = 19 -- 1 for each row, 2 before, 16 update
   AND t.tgenabled <> 'D'
   AND t.tgname > 'zz_contactsync_requeue'
 ORDER BY 2, 1
