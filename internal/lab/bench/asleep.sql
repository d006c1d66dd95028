-- Whether a leader sleeps on the doorbell of this database. $1 the class of the
-- lock, $2 its object.
SELECT EXISTS (
    SELECT FROM pg_locks l
     WHERE l.locktype = 'advisory'
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = $1::int::bigint::oid AND l.objid = $2::int::bigint::oid
       AND l.mode = 'ExclusiveLock' AND l.granted)
