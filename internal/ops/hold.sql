-- Pause a destination, unless it is, note who did, and wake the leaders, so that
-- they say so. $1 destination, $2 who, $3 reason, $4 via.
WITH held AS (
    INSERT INTO contactsync.holds (destination, who, reason)
    VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
 RETURNING destination
), noted AS (
    INSERT INTO contactsync.actions (who, via, action, detail)
    SELECT $2, $4, 'pause', $3 FROM held
)
SELECT NOT EXISTS (SELECT FROM held) AS already,
       pg_notify('contact_queued', '') IS NULL
