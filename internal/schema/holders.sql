-- The sessions that hold locks on contacts, its partitions, or the tables of
-- contactsync; the longest transaction first. $1 our own application_name.
SELECT a.pid::int,
       coalesce(a.application_name, ''),
       coalesce(a.usename::text, ''),
       coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       coalesce(left(a.query, 120), '')
  FROM pg_stat_activity a
 WHERE a.application_name IS DISTINCT FROM $1
   AND EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                WHERE l.pid = a.pid AND l.granted
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                  AND (c.oid IN (SELECT to_regclass('contacts')::oid UNION ALL SELECT relid::oid FROM pg_partition_tree(to_regclass('contacts')))
                       OR c.relnamespace = to_regnamespace('contactsync')))
 ORDER BY a.xact_start NULLS LAST
 LIMIT 5
