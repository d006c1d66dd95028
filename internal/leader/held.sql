-- What this session is and holds, and whether it can write. $1 the class of the
-- locks.
SELECT pg_backend_pid(),
       ARRAY(SELECT objid::int
               FROM pg_locks
              WHERE locktype = 'advisory'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = $1::int::oid
                AND objid >= 100
                AND objsubid = 2
                AND mode = 'ExclusiveLock'
                AND granted
                AND pid = pg_backend_pid()
              ORDER BY objid),
       current_setting('contactsync.worker', true) IS NOT DISTINCT FROM 'on',
       current_setting('transaction_read_only')::bool
