-- Note what is wrong, and what no longer is, for the webhook.
-- $1 destination, $2 class of the locks, $3 object of slot 0, $4 from how many
-- seconds on a due contact is old, $5 how many failures within an hour are too many
-- (0: any number is fine).
-- Trouble is what can be seen now, over what is known to have ended; what is
-- neither stays as it was. A pause of the account is over when the last cycle that
-- was claimed since it began has synced something: its end alone is a try, and a new
-- leader begins without one.
WITH pause AS (
    SELECT string_agg(DISTINCT concat_ws(': ', s.pause_code, s.pause_reason), '; ') AS detail
      FROM contactsync.slots s
     WHERE s.destination = $1 AND s.pause_code IS NOT NULL
       AND EXISTS (SELECT FROM pg_locks l
                    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND l.classid = $2::int::bigint::oid AND l.objid = ($3::int + s.slot)::oid)
), hold AS (
    SELECT concat_ws(': ', h.who, nullif(h.reason, '')) AS detail FROM contactsync.holds h WHERE h.destination = $1
), oldest AS (
    SELECT coalesce(extract(epoch FROM now() - least(
           (SELECT min(hubspot_queued_at) FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL AND hubspot_queued_at > '-infinity'),
           (SELECT min(next_retry_at)::timestamptz FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() AND next_retry_at > '-infinity'))), 0)::float8 AS seconds
), hour AS (
    SELECT coalesce(sum(y.failed), 0)::bigint AS failed FROM contactsync.cycles y
     WHERE $5::int > 0 AND y.destination = $1 AND y.finished_at > now() - interval '1 hour'
), seen (kind, trouble, over, detail) AS (
    SELECT 'paused', (SELECT detail FROM pause) IS NOT NULL,
           (SELECT detail FROM pause) IS NULL
               AND (coalesce((SELECT y.synced > 0 FROM contactsync.cycles y,
                                     (SELECT began FROM contactsync.alerts WHERE destination = $1 AND kind = 'paused') b
                               WHERE y.destination = $1 AND y.finished_at > b.began AND y.started_at > b.began
                               ORDER BY y.finished_at DESC LIMIT 1), false)
                    OR (SELECT seen_at FROM contactsync.alerts WHERE destination = $1 AND kind = 'paused') < now() - interval '10 minutes'),
           (SELECT detail FROM pause)
    UNION ALL
    SELECT 'held', EXISTS (SELECT FROM hold), NOT EXISTS (SELECT FROM hold), (SELECT detail FROM hold)
    UNION ALL -- an operator who has paused knows that contacts wait
    SELECT 'backlog', seconds > $4::float8 AND NOT EXISTS (SELECT FROM hold), seconds <= $4::float8,
           round(seconds)::text FROM oldest
    UNION ALL -- not over before it is well below, or it would come and go
    SELECT 'failures', $5::int > 0 AND failed > $5::int, failed <= $5::int / 2, failed::text FROM hour
), noted AS (
    INSERT INTO contactsync.alerts AS a (destination, kind, raised, since, began, seen_at, detail)
    SELECT $1, kind, trouble, now(), now(), now(), coalesce(detail, '')
      FROM seen
     WHERE trouble OR over AND EXISTS (SELECT FROM contactsync.alerts b WHERE b.destination = $1 AND b.kind = seen.kind AND b.raised)
        ON CONFLICT (destination, kind) DO UPDATE
       SET raised = excluded.raised,
           since = CASE WHEN a.raised = excluded.raised THEN a.since ELSE now() END,
           began = CASE WHEN excluded.raised AND NOT a.raised THEN now() ELSE a.began END,
           seen_at = CASE WHEN excluded.raised THEN now() ELSE a.seen_at END,
           detail = CASE WHEN excluded.raised OR a.kind IN ('backlog', 'failures') THEN excluded.detail ELSE a.detail END
 RETURNING kind
)
SELECT count(*)::int AS noted FROM noted
