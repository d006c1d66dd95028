-- The doorbell, an advisory lock (see doorbell.go), and the last look before sleep.

-- name: try_lock
SELECT pg_try_advisory_lock(@class::int, @key::int)

-- name: unlock
SELECT pg_advisory_unlock(@class::int, @key::int)

-- name: ring
SELECT pg_notify(@channel, '')

-- name: arm
-- The last look before sleep. @active is the cycles of this session that are still in
-- flight; a claim is dead after @dead_after seconds.
-- Next is a day at most, whatever far future an app has scheduled. While an operator
-- holds the destination no row is due or becomes so; claims go on to be freed. It takes
-- no row locks, so it also sees the rows that a claim passed over.
-- The claims are read from end to end, by their places, once: they are few, and an
-- index would lead to each that died while vacuum could not remove it, one by one.
WITH claims AS MATERIALIZED (
    SELECT coalesce(bool_or(x.until <= now()
                            OR x.until IS NULL AND x.cycle <> ALL (@active::bigint[])
                               AND x.claimed_at <= now() - make_interval(secs => @dead_after::float8))
                        FILTER (WHERE x.destination = @destination), false) AS dead,
           min(coalesce(x.until, x.claimed_at + make_interval(secs => @dead_after::float8)))
               FILTER (WHERE x.destination = @destination AND (x.until IS NOT NULL OR x.cycle <> ALL (@active::bigint[]))) AS next
      FROM contactsync.claims x
     WHERE x.ctid >= '(0,0)'
)
SELECT h.since,
       h.who,
       h.reason,
       h.since IS NULL AND (
           EXISTS (
               SELECT FROM contacts c
                WHERE c.hubspot_processing_status = 'Queued'
                  AND c.next_retry_at IS NULL
                  AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL)
        OR EXISTS (
               SELECT FROM contacts c
                WHERE c.hubspot_processing_status = 'Queued'
                  AND c.next_retry_at <= now()
                  AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL))
       AS due,
       claims.dead,
       extract(epoch FROM least(now() + interval '1 day',
           CASE WHEN h.since IS NULL THEN
               (SELECT min(c.next_retry_at)::timestamptz FROM contacts c
                 WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > now() AND c.next_retry_at < 'infinity')
           END,
           claims.next) - now())::float8
       AS next
  FROM claims
  LEFT JOIN contactsync.holds h ON h.destination = @destination
