-- The last cycles that had contacts. $1 destination, $2 at most so many.
SELECT id, coalesce(instance, ''), coalesce(slot, 0), started_at, finished_at,
       extract(epoch FROM finished_at - started_at)::float8 AS seconds,
       claimed, synced, created, retried, failed, released, recovered, requests, throttled_ms,
       coalesce(skipped, 0) AS unchanged
  FROM contactsync.cycles
 WHERE destination = $1
 ORDER BY finished_at DESC, id DESC
 LIMIT $2::int
