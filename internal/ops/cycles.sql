-- What the cycles did.

-- name: measures
-- What the cycles of the last @hours say, added up. Cycles overlap: a second in which
-- several were under way is one of a contact's time.
SELECT count(*) AS cycles,
       coalesce(sum(claimed), 0) AS claimed,
       coalesce(sum(synced), 0) AS synced,
       coalesce(sum(created), 0) AS created,
       coalesce(sum(retried), 0) AS retried,
       coalesce(sum(failed), 0) AS failed,
       coalesce(sum(released), 0) AS released,
       coalesce(sum(recovered), 0) AS recovered,
       coalesce(sum(requests), 0) AS requests,
       coalesce(sum(skipped), 0) AS unchanged,
       coalesce((SELECT sum(extract(epoch FROM upper(busy) - lower(busy)))
                   FROM unnest(range_agg(tstzrange(least(started_at, finished_at), finished_at))) AS busy)
                / nullif(sum(claimed), 0), 0)::float8 AS seconds_per_contact,
       coalesce(avg(extract(epoch FROM finished_at - started_at)), 0)::float8 AS cycle_seconds,
       coalesce(max(extract(epoch FROM finished_at - started_at)), 0)::float8 AS slowest_cycle_seconds
  FROM contactsync.cycles
 WHERE destination = @destination
   AND finished_at > now() - make_interval(hours => @hours::int)

-- name: cycles
-- The last cycles that had contacts, newest first.
SELECT id, coalesce(instance, ''), coalesce(slot, 0), started_at, finished_at,
       extract(epoch FROM finished_at - started_at)::float8 AS seconds,
       claimed, synced, created, retried, failed, released, recovered, requests, throttled_ms,
       coalesce(skipped, 0) AS unchanged
  FROM contactsync.cycles
 WHERE destination = @destination
 ORDER BY finished_at DESC, id DESC
 LIMIT @most::int

-- name: series
-- What the cycles did, step by step, the oldest first; a step without cycles is
-- there, too. It looks @since seconds back, in steps of @step seconds.
WITH step AS (
    SELECT make_interval(secs => @step::float8) AS length,
           date_bin(make_interval(secs => @step::float8), now() - make_interval(secs => @since::float8), 'epoch') AS first
), done AS (
    SELECT date_bin(step.length, y.finished_at, 'epoch') AS at,
           count(*) AS cycles,
           sum(y.synced) AS synced, sum(y.created) AS created, sum(y.retried) AS retried, sum(y.failed) AS failed,
           sum(y.requests) AS requests, sum(y.throttled_ms) AS throttled_ms,
           avg(extract(epoch FROM y.finished_at - y.started_at)) AS cycle_seconds,
           ARRAY[{{latency_sums}}] AS latency
      FROM step, contactsync.cycles y
     WHERE y.destination = @destination AND y.finished_at >= step.first
     GROUP BY 1
)
SELECT s.at,
       coalesce(done.cycles, 0) AS cycles,
       coalesce(done.synced, 0) AS synced,
       coalesce(done.created, 0) AS created,
       coalesce(done.retried, 0) AS retried,
       coalesce(done.failed, 0) AS failed,
       coalesce(done.requests, 0) AS requests,
       coalesce(done.throttled_ms, 0)::bigint AS throttled_ms,
       coalesce(done.cycle_seconds, 0)::float8 AS cycle_seconds,
       ARRAY(SELECT coalesce(n, 0)::bigint FROM unnest(done.latency) WITH ORDINALITY AS bucket (n, place) ORDER BY place) AS latency
  FROM step, generate_series(step.first, now(), step.length) AS s (at)
  LEFT JOIN done USING (at)
 ORDER BY s.at
