-- Take what the webhook has to be told, each change for one replica alone. $1
-- destination, $2 for how many seconds it is ours to tell. The same kind is told
-- once a minute at most: what comes and goes within is told of as it stands then.
UPDATE contactsync.alerts a
   SET next_try_at = now() + make_interval(secs => $2::float8)
 WHERE a.destination = $1
   AND a.kind = ANY (ARRAY(
           SELECT b.kind FROM contactsync.alerts b
            WHERE b.destination = $1 AND b.raised <> b.told AND b.next_try_at <= now()
              AND (b.told_at IS NULL OR b.told_at <= now() - interval '1 minute')
              FOR UPDATE SKIP LOCKED))
RETURNING a.kind, a.raised, extract(epoch FROM CASE WHEN a.raised THEN now() ELSE a.since END - a.began)::float8 AS seconds, a.detail
