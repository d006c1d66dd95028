-- What people do: pause and resume, and what is remembered of it.

-- name: pause
-- Pause the destination, unless it is, note who did, and wake the leaders, so that
-- they say so.
WITH held AS (
    INSERT INTO contactsync.holds (destination, who, reason)
    VALUES (@destination, @who, @reason)
        ON CONFLICT DO NOTHING
 RETURNING destination
), noted AS (
    INSERT INTO contactsync.actions (destination, who, via, action, detail)
    SELECT destination, @who, @via, 'pause', @reason FROM held
)
SELECT NOT EXISTS (SELECT FROM held) AS already,
       pg_notify(@channel, '') IS NULL

-- name: resume
-- Let the destination go on, note who did, and wake the leaders: the queue may be
-- full, and nobody rang meanwhile.
WITH ended AS (
    DELETE FROM contactsync.holds
     WHERE destination = @destination
 RETURNING destination
), noted AS (
    INSERT INTO contactsync.actions (destination, who, via, action)
    SELECT destination, @who, @via, 'resume' FROM ended
)
SELECT EXISTS (SELECT FROM ended) AS was_held,
       pg_notify(@channel, '') IS NULL

-- name: set_account
-- Have contacts synced to this account from now on, note who said so, and wake the leaders.
WITH was AS MATERIALIZED (
    SELECT a.account FROM contactsync.accounts a WHERE a.destination = @destination
), written AS (
    INSERT INTO contactsync.accounts AS a (destination, account, who)
    VALUES (@destination, @account, @who)
        ON CONFLICT (destination) DO UPDATE
       SET account = excluded.account, who = excluded.who, since = clock_timestamp()
     WHERE a.account <> excluded.account
 RETURNING destination
), noted AS (
    INSERT INTO contactsync.actions (destination, who, via, action, detail)
    SELECT destination, @who, @via, 'account', concat_ws(' instead of ', @account, (SELECT account FROM was)) FROM written
)
SELECT coalesce((SELECT account FROM was), ''),
       pg_notify(@channel, '') IS NULL

-- name: forget_sent
-- Make everything void that is remembered as sent, and note who said so.
WITH void AS (
    INSERT INTO contactsync.sent (destination, key, at)
    VALUES (@destination, '', greatest(clock_timestamp(), (SELECT max(s.at) FROM contactsync.sent s)))
        ON CONFLICT (destination, key) DO UPDATE SET at = excluded.at
), noted AS (
    INSERT INTO contactsync.actions (destination, who, via, action)
    VALUES (@destination, @who, @via, 'forget-sent')
)
SELECT count(*)::bigint FROM contactsync.sent s WHERE s.destination = @destination AND s.key <> ''

-- name: record_action
-- Note what a person did. @contact is empty where it was about several, or none.
INSERT INTO contactsync.actions (destination, who, via, action, contact_id, detail, rows)
VALUES (@destination, @who, @via, @action, nullif(@contact::text, '')::uuid, left(@detail, 500), @rows::int)

-- name: actions
-- What people did last at this destination, with one contact or, where @contact is
-- empty, at all.
SELECT id, at, who, via, action, coalesce(contact_id::text, ''), detail, rows
  FROM contactsync.actions
 WHERE destination = @destination AND (@contact::text = '' OR contact_id = nullif(@contact::text, '')::uuid)
 ORDER BY at DESC, id DESC
 LIMIT @most::int
