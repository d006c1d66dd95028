-- The doorbell, an advisory lock (see doorbell.go), and the last look before sleep.

-- name: try_lock
SELECT pg_try_advisory_lock(@class::int, @key::int)

-- name: unlock
SELECT pg_advisory_unlock(@class::int, @key::int)

-- name: ring
SELECT pg_notify(@channel, '')

-- name: arm
-- The last look before sleep. @active is the cycles of this session that are still in
-- flight.
-- Next is a day at most, whatever far future an app has scheduled. While an operator
-- holds the destination no row is due or becomes so; claims go on to be freed. It takes
-- no row locks, so it also sees the rows that a claim passed over. Of those whose key is
-- claimed only the end of another leader's request is to be polled for: the end of one
-- of ours is noticed, and that of a quarantine is in next. Next lies ahead: what is over
-- already is dead, which is maintained once a second and no reason to look at once.
-- The claims are read from end to end, by their places, once: they are few, and an
-- index would lead to each that died while vacuum could not remove it, one by one.
WITH claims AS MATERIALIZED (
    SELECT coalesce(bool_or(x.until <= now()
                            OR x.until IS NULL AND x.cycle <> ALL (@active::bigint[])
                               AND x.claimed_at + x.dead_after <= now())
                        FILTER (WHERE x.destination = @destination), false) AS dead,
           min(coalesce(x.until, x.claimed_at + x.dead_after))
               FILTER (WHERE x.destination = @destination AND (x.until IS NOT NULL OR x.cycle <> ALL (@active::bigint[]))
                         AND coalesce(x.until, x.claimed_at + x.dead_after) > now()) AS next
      FROM contactsync.claims x
     WHERE x.ctid >= '(0,0)'
), doubts AS MATERIALIZED (
    SELECT coalesce(bool_or(d.over <= now()), false) AS dead,
           min(d.over) FILTER (WHERE d.over > now()) AS next
      FROM (SELECT CASE WHEN d.newer <@ d.rows THEN d.until ELSE least(d.until, d.retry_at) END AS over
              FROM contactsync.doubts d
             WHERE d.ctid >= '(0,0)' AND d.destination = @destination AND d.newer <> '{}') AS d
)
SELECT h.since,
       h.who,
       h.reason,
       h.since IS NULL AND (
           EXISTS (
               SELECT FROM contacts c
                WHERE c.hubspot_processing_status = 'Queued'
                  AND c.next_retry_at IS NULL
                  AND {{not_awaited}})
        OR EXISTS (
               SELECT FROM contacts c
                WHERE c.hubspot_processing_status = 'Queued'
                  AND c.next_retry_at <= now()
                  AND {{not_awaited}}))
       AS due,
       claims.dead OR doubts.dead,
       extract(epoch FROM least(now() + interval '1 day',
           CASE WHEN h.since IS NULL THEN
               (SELECT min(c.next_retry_at)::timestamptz FROM contacts c
                 WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > now() AND c.next_retry_at < 'infinity')
           END,
           claims.next,
           doubts.next) - now())::float8
       AS next
  FROM claims
 CROSS JOIN doubts
  LEFT JOIN contactsync.holds h ON h.destination = @destination
