-- Let a destination go on, note who did, and wake the leaders: the queue may be
-- full, and nobody rang meanwhile. $1 destination, $2 who, $3 via.
WITH ended AS (
    DELETE FROM contactsync.holds
     WHERE destination = $1
 RETURNING destination
), noted AS (
    INSERT INTO contactsync.actions (who, via, action)
    SELECT $2, $3, 'resume' FROM ended
)
SELECT EXISTS (SELECT FROM ended) AS was_held,
       pg_notify('contact_queued', '') IS NULL
