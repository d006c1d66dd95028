-- Who leads, as the locks say, with what the leader wrote down. $1 destination,
-- $2 class of the locks, $3 object of slot 0.
SELECT (l.objid::bigint - $3::int)::int AS slot,
       coalesce(s.instance, regexp_replace(a.application_name, '^contactsync/', '')) AS instance,
       s.since,
       coalesce(s.pause_code, '') AS pause_code,
       coalesce(s.pause_reason, '') AS pause_reason,
       s.pause_since,
       s.pause_until
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN contactsync.slots s ON s.destination = $1 AND s.slot = l.objid::bigint - $3::int
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid = $2::int::bigint::oid
   AND l.objid BETWEEN $3::int AND $3::int + 99
   AND l.objsubid = 2
 ORDER BY 1
