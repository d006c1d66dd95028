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
