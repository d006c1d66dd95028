-- The processes that there are, leaders first. $1 class of the locks, $2
-- object of slot 0, $3 object of the doorbell, $4 after how many seconds of silence a
-- process is gone. Who leads and whether it sleeps is what the locks say
-- now, not what was written up to 15 s ago.
WITH slot AS MATERIALIZED (
    SELECT s.instance,
           l.objid::bigint - $2::int AS slot,
           EXISTS (SELECT FROM pg_locks b
                    WHERE b.locktype = 'advisory' AND b.granted AND b.pid = l.pid AND b.database = l.database
                      AND b.classid = l.classid AND b.objid = $3::int::oid AND b.objsubid = 2 AND b.mode = 'ExclusiveLock') AS armed
      FROM pg_locks l
      JOIN contactsync.slots s ON s.slot = l.objid::bigint - $2::int
     WHERE l.locktype = 'advisory'
       AND l.granted
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = $1::int::oid
       AND l.objid BETWEEN $2::int AND $2::int + 99
       AND l.objsubid = 2
)
SELECT r.instance,
       r.version,
       CASE WHEN slot.slot IS NOT NULL THEN 'leader'
            WHEN r.role = 'leader' OR r.seen_at < now() - make_interval(secs => $4::float8) THEN 'gone'
            ELSE 'follower' END AS role,
       slot.slot::int,
       r.started_at,
       r.seen_at,
       extract(epoch FROM now() - r.seen_at)::float8 AS seen_seconds,
       CASE WHEN slot.slot IS NOT NULL THEN r.listener END AS listener,
       coalesce(slot.armed, false) AS armed,
       r.rate_max, r.rate_left, r.rate_at, r.daily_max, r.daily_left, r.daily_at
  FROM contactsync.replicas r
  LEFT JOIN slot USING (instance)
 ORDER BY slot.slot IS NULL, slot.slot, r.seen_at < now() - make_interval(secs => $4::float8), r.started_at, r.instance
