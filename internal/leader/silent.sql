-- Ends the sessions that hold a slot and have waited within a statement for what
-- belongs to it: their leader was frozen, or the network went silent, between two
-- statements that were sent together. No timeout of the server before version 17
-- counts then. A leader that lives gives up sooner. It ends sessions of this role
-- alone: those of others it cannot even see. $1 the class of the locks, $2 their
-- objects, $3 the lease.
-- The CTE is a fence: nobody may be ended before all conditions were looked at.
WITH silent AS MATERIALIZED (
    SELECT a.pid
      FROM pg_stat_activity a
     WHERE a.pid IN (SELECT l.pid
                       FROM pg_locks l
                      WHERE l.locktype = 'advisory'
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND l.classid = $1::int::oid
                        AND l.objid = ANY ($2::int[]::oid[])
                        AND l.objsubid = 2
                        AND l.mode = 'ExclusiveLock'
                        AND l.granted)
       AND a.usename = current_user
       AND a.application_name LIKE 'contactsync/%'
       AND a.state = 'active'
       AND a.wait_event = 'ClientRead'
       AND a.state_change < clock_timestamp() - $3::text::interval
)
SELECT pid FROM silent WHERE pg_terminate_backend(pid)
