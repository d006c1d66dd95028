-- Write a process down. $1 instance, $2 version, $3 role, $4 slot, $5 for how many
-- seconds it runs, $6 whether notifications are known to arrive, $7 and $8 requests
-- in 10 s and how many are left, $9 how many seconds ago HubSpot said so, $10, $11
-- and $12 the same of a day. NULL is what it does not know.
INSERT INTO contactsync.replicas AS r
       (instance, version, role, slot, started_at, seen_at, listener,
        rate_max, rate_left, rate_at, daily_max, daily_left, daily_at)
VALUES ($1, $2, $3, $4::int, now() - make_interval(secs => $5::float8), now(), $6::bool,
        $7::int, $8::int, now() - make_interval(secs => $9::float8), $10::int, $11::int, now() - make_interval(secs => $12::float8))
    ON CONFLICT (instance) DO UPDATE
   SET version = excluded.version, role = excluded.role, slot = excluded.slot,
       seen_at = excluded.seen_at, listener = excluded.listener,
       rate_max = excluded.rate_max, rate_left = excluded.rate_left, rate_at = excluded.rate_at,
       daily_max = excluded.daily_max, daily_left = excluded.daily_left, daily_at = excluded.daily_at
