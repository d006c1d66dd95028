-- How the installation stands.

-- name: server
-- The database's time, and the connections of all processes to it.
SELECT now(),
       (SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'contactsync%')

-- name: hold
-- Who has paused the destination.
SELECT since, who, reason
  FROM contactsync.holds
 WHERE destination = @destination

-- name: detached
-- Since when `migrate detach` has the triggers off.
SELECT min(at) FROM contactsync.installed WHERE kind = 'detached' AND name = 'triggers'

-- name: queue_state
-- How the queue stands, with counts up to @bound (NULL: all).
SELECT s.due, s.waiting, s.processing, s.failed, s.in_flight, s.quarantined, s.oldest_due_seconds, s.next_due_at, s.fresh
  FROM contactsync.hubspot_queue_state(@bound::bigint) AS s

-- name: row_security
-- What row security hides from this role, and from those who lead.
SELECT role, relation, own, every_row, commands, restrictive FROM contactsync.row_security()

-- name: leaders
-- Who leads, as the locks say, with what the leader wrote down.
SELECT (l.objid::bigint - @slot_0::int)::int AS slot,
       coalesce(s.instance, regexp_replace(a.application_name, '^contactsync/', ''), '') AS instance,
       s.since,
       coalesce(s.pause_code, '') AS pause_code,
       coalesce(s.pause_reason, '') AS pause_reason,
       s.pause_since,
       s.pause_until
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN contactsync.slots s ON s.destination = @destination AND s.slot = l.objid::bigint - @slot_0::int
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.classid = @class::int::bigint::oid
   AND l.objid BETWEEN @slot_0::int AND @slot_0::int + 99
   AND l.objsubid = 2
 ORDER BY 1

-- name: replicas
-- The processes that there are, leaders first. Who leads and whether it sleeps is what
-- the locks say now, not what was written up to 15 s ago. Who is silent for @silence
-- seconds is gone.
WITH slot AS MATERIALIZED (
    SELECT s.instance,
           l.objid::bigint - @slot_0::int AS slot,
           EXISTS (SELECT FROM pg_locks b
                    WHERE b.locktype = 'advisory' AND b.granted AND b.pid = l.pid AND b.database = l.database
                      AND b.classid = l.classid AND b.objid = @doorbell::int::oid AND b.objsubid = 2 AND b.mode = 'ExclusiveLock') AS armed
      FROM pg_locks l
      JOIN contactsync.slots s ON s.destination = @destination AND s.slot = l.objid::bigint - @slot_0::int
     WHERE l.locktype = 'advisory'
       AND l.granted
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = @class::int::bigint::oid
       AND l.objid BETWEEN @slot_0::int AND @slot_0::int + 99
       AND l.objsubid = 2
)
SELECT r.instance,
       r.version,
       r.batch_size,
       r.instances,
       r.account,
       CASE WHEN slot.slot IS NOT NULL THEN 'leader'
            WHEN r.role = 'leader' OR r.seen_at < now() - make_interval(secs => @silence::float8) THEN 'gone'
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
 WHERE r.destination = @destination
 ORDER BY slot.slot IS NULL, slot.slot, r.seen_at < now() - make_interval(secs => @silence::float8), r.started_at, r.instance

-- name: stuck
-- What stands still: rows Processing without a claim for longer than @orphan seconds,
-- rows due for longer than @overdue seconds, and since when no cycle had contacts.
SELECT (SELECT count(*) FROM contacts c
         WHERE c.hubspot_processing_status = 'Processing'
           AND (c.updated_at IS NULL OR c.updated_at <= now() - make_interval(secs => @orphan::float8)
                OR EXISTS (SELECT FROM contactsync.strays s WHERE s.contact_id = c.id AND s.destination = @destination
                              AND s.since <= now() - make_interval(secs => @orphan::float8)))
           AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination)) AS orphaned,
       (SELECT count(*) FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND (c.hubspot_queued_at IS NULL OR c.hubspot_queued_at <= now() - make_interval(secs => @overdue::float8))
           AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination))
       + (SELECT count(*) FROM contacts c
           WHERE c.hubspot_processing_status = 'Queued'
             AND c.next_retry_at <= now() - make_interval(secs => @overdue::float8)
             AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination)) AS overdue,
       (SELECT extract(epoch FROM now() - max(y.finished_at)) FROM contactsync.cycles y WHERE y.destination = @destination)::float8 AS last_cycle_seconds
