-- What the cycles of the last hours say. $1 destination, $2 hours.
-- Cycles overlap: a second in which several were under way is one of a contact's time.
SELECT count(*) AS cycles,
       coalesce(sum(claimed), 0) AS contacts,
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
 WHERE destination = $1
   AND finished_at > now() - make_interval(hours => $2::int)
