-- What the cycles did, step by step, the oldest first; a step without cycles is
-- there, too. $1 destination, $2 how many seconds back, $3 seconds a step.
WITH step AS (
    SELECT make_interval(secs => $3::float8) AS length,
           date_bin(make_interval(secs => $3::float8), now() - make_interval(secs => $2::float8), 'epoch') AS first
), done AS (
    SELECT date_bin(step.length, y.finished_at, 'epoch') AS at,
           count(*) AS cycles,
           sum(y.synced) AS synced, sum(y.created) AS created, sum(y.retried) AS retried, sum(y.failed) AS failed,
           sum(y.requests) AS requests, sum(y.throttled_ms) AS throttled_ms,
           avg(extract(epoch FROM y.finished_at - y.started_at)) AS cycle_seconds,
           ARRAY[sum(latency[1]), sum(latency[2]), sum(latency[3]), sum(latency[4]), sum(latency[5]), sum(latency[6]),
                 sum(latency[7]), sum(latency[8]), sum(latency[9]), sum(latency[10]), sum(latency[11]), sum(latency[12]),
                 sum(latency[13]), sum(latency[14]), sum(latency[15]), sum(latency[16]), sum(latency[17])] AS latency
      FROM step, contactsync.cycles y
     WHERE y.destination = $1 AND y.finished_at >= step.first
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
