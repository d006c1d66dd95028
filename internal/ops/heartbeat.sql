-- A process writes itself down.

-- name: modest
-- What is written here is worth neither a wait for a lock nor one for the disk. For
-- this transaction alone.
SELECT set_config('lock_timeout', '500ms', true), set_config('synchronous_commit', 'off', true)

-- name: beat
-- Write a process down: for how many seconds it runs, whether notifications are known
-- to arrive, how many requests are allowed and left, and how many seconds ago the
-- destination said so. NULL is what it does not know.
INSERT INTO contactsync.replicas AS r
       (instance, destination, version, batch_size, instances, account, role, slot, started_at, seen_at, listener,
        rate_max, rate_left, rate_at, daily_max, daily_left, daily_at)
VALUES (@instance, @destination, @version, @batch_size::int, @instances::int, @account, @role, @slot::int, now() - make_interval(secs => @runs::float8), now(), @listener::bool,
        @rate_max::int, @rate_left::int, now() - make_interval(secs => @rate_age::float8), @daily_max::int, @daily_left::int, now() - make_interval(secs => @daily_age::float8))
    ON CONFLICT (instance, destination) DO UPDATE
   SET version = excluded.version, batch_size = excluded.batch_size, instances = excluded.instances, account = excluded.account, role = excluded.role, slot = excluded.slot,
       seen_at = excluded.seen_at, listener = excluded.listener,
       rate_max = excluded.rate_max, rate_left = excluded.rate_left, rate_at = excluded.rate_at,
       daily_max = excluded.daily_max, daily_left = excluded.daily_left, daily_at = excluded.daily_at

-- name: remove
-- Take a process out of the list of a destination.
DELETE FROM contactsync.replicas WHERE instance = @instance AND destination = @destination
