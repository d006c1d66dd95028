-- What the webhook is told.

-- name: note_alerts
-- Note what is wrong, and what no longer is: a contact is due for longer than
-- @backlog_seconds, more than @failures contacts failed within an hour (0: any number
-- is fine), somebody has paused, or the account is paused.
-- Trouble is what can be seen now, over what is known to have ended; what is
-- neither stays as it was. A pause of the account is over when the last cycle that
-- was claimed since it began has synced something: its end alone is a try, and a new
-- leader begins without one.
WITH pause AS (
    SELECT string_agg(DISTINCT concat_ws(': ', s.pause_code, s.pause_reason), '; ') AS detail
      FROM contactsync.slots s
     WHERE s.destination = @destination AND s.pause_code IS NOT NULL
       AND EXISTS (SELECT FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND l.classid = @class::int::bigint::oid AND l.objid = (@slot_0::int + s.slot)::oid)
), hold AS (
    SELECT concat_ws(': ', h.who, nullif(h.reason, '')) AS detail FROM contactsync.holds h WHERE h.destination = @destination
), oldest AS (
    SELECT coalesce(q.oldest_due_seconds, 0) AS seconds FROM contactsync.hubspot_queue_state(1) AS q
), hour AS (
    SELECT coalesce(sum(y.failed), 0)::bigint AS failed FROM contactsync.cycles y
     WHERE @failures::int > 0 AND y.destination = @destination AND y.finished_at > now() - interval '1 hour'
), seen (kind, trouble, over, detail) AS (
    SELECT 'paused', (SELECT detail FROM pause) IS NOT NULL,
           (SELECT detail FROM pause) IS NULL
               AND (coalesce((SELECT y.synced > 0 FROM contactsync.cycles y,
                                     (SELECT began FROM contactsync.alerts WHERE destination = @destination AND kind = 'paused') b
                               WHERE y.destination = @destination AND y.finished_at > b.began AND y.started_at > b.began
                               ORDER BY y.finished_at DESC LIMIT 1), false)
                    OR (SELECT seen_at FROM contactsync.alerts WHERE destination = @destination AND kind = 'paused') < now() - interval '10 minutes'),
           (SELECT detail FROM pause)
    UNION ALL
    SELECT 'held', EXISTS (SELECT FROM hold), NOT EXISTS (SELECT FROM hold), (SELECT detail FROM hold)
    UNION ALL -- an operator who has paused knows that contacts wait
    SELECT 'backlog', seconds > @backlog_seconds::float8 AND NOT EXISTS (SELECT FROM hold), seconds <= @backlog_seconds::float8,
           round(seconds)::text FROM oldest
    UNION ALL -- not over before it is well below, or it would come and go
    SELECT 'failures', @failures::int > 0 AND failed > @failures::int, failed <= @failures::int / 2, failed::text FROM hour
), noted AS (
    INSERT INTO contactsync.alerts AS a (destination, kind, raised, since, began, seen_at, detail)
    SELECT @destination, kind, trouble, now(), now(), now(), coalesce(detail, '')
      FROM seen
     WHERE trouble OR over AND EXISTS (SELECT FROM contactsync.alerts b WHERE b.destination = @destination AND b.kind = seen.kind AND b.raised)
        ON CONFLICT (destination, kind) DO UPDATE
       SET raised = excluded.raised,
           since = CASE WHEN a.raised = excluded.raised THEN a.since ELSE now() END,
           began = CASE WHEN excluded.raised AND NOT a.raised THEN now() ELSE a.began END,
           seen_at = CASE WHEN excluded.raised THEN now() ELSE a.seen_at END,
           detail = CASE WHEN excluded.raised OR a.kind IN ('backlog', 'failures') THEN excluded.detail ELSE a.detail END
 RETURNING kind
)
SELECT count(*)::int AS noted FROM noted

-- name: take_alerts
-- Take what the webhook has to be told, each change for one replica alone, which has
-- @seconds to tell it. The same kind is told once a minute at most: what comes and goes
-- within is told of as it stands then.
UPDATE contactsync.alerts a
   SET next_try_at = now() + make_interval(secs => @seconds::float8)
 WHERE a.destination = @destination
   AND a.kind = ANY (ARRAY(
           SELECT b.kind FROM contactsync.alerts b
            WHERE b.destination = @destination AND b.raised <> b.told AND b.next_try_at <= now()
              AND (b.told_at IS NULL OR b.told_at <= now() - interval '1 minute')
              FOR UPDATE SKIP LOCKED))
RETURNING a.kind, a.raised, extract(epoch FROM CASE WHEN a.raised THEN now() ELSE a.since END - a.began)::float8 AS seconds, a.detail

-- name: alert_told
-- Note that the webhook was told.
UPDATE contactsync.alerts
   SET told = @raised::bool, told_at = now(), next_try_at = '-infinity'
 WHERE destination = @destination AND kind = @kind
