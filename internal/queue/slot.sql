-- Who leads, and how the account is.

-- name: enter
-- Take the slot's row: who leads it, since when. @forgetful says that it sends without
-- remembering what.
INSERT INTO contactsync.slots (destination, slot, instance, since, forgetful)
VALUES (@destination, @slot::int, @instance, clock_timestamp(), @forgetful::bool)
    ON CONFLICT (destination, slot) DO UPDATE
   SET instance = excluded.instance, since = excluded.since, forgetful = excluded.forgetful,
       pause_code = NULL, pause_reason = NULL, pause_since = NULL, pause_until = NULL

-- name: leave
-- Give the slot's row back.
DELETE FROM contactsync.slots
 WHERE destination = @destination AND slot = @slot::int AND instance = @instance

-- name: pause
-- Show the pause of a slot, for so many @seconds from now, or its end (@code NULL).
UPDATE contactsync.slots
   SET pause_code = @code,
       pause_reason = left(@reason, 500),
       pause_since = CASE WHEN @code::text IS NULL THEN NULL
                          WHEN pause_code = @code THEN pause_since
                          ELSE clock_timestamp() END,
       pause_until = CASE WHEN @code::text IS NULL THEN NULL
                          ELSE clock_timestamp() + make_interval(secs => @seconds::float8) END
 WHERE destination = @destination AND slot = @slot::int

-- name: make_due
-- Make rows due that wait only because of the account, for one of @codes. Which ones
-- is left to chance, so that a bad one is not always the first.
WITH due AS (
    UPDATE contacts c
       SET next_retry_at = now()
     WHERE c.id = ANY (ARRAY(
               SELECT c.id
                 FROM contacts c
                WHERE c.hubspot_processing_status = 'Queued'
                  AND c.next_retry_at > now()
                  AND c.hubspot_error_code = ANY (@codes::text[])
                ORDER BY random()
                LIMIT @most::int
                  FOR NO KEY UPDATE OF c SKIP LOCKED))
 RETURNING c.id
)
SELECT count(*)::int FROM due

-- name: traceparent
-- Whether the table has a column traceparent that this role may read.
SELECT EXISTS (
    SELECT FROM pg_attribute a
     WHERE a.attrelid = @table::text::regclass::oid AND a.attname = 'traceparent' AND NOT a.attisdropped
       AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')) AS readable

-- name: account
-- The account that is synced to; this one from now on, where none was yet and it is
-- about to be (@first).
WITH first AS (
    INSERT INTO contactsync.accounts (destination, account, who)
    SELECT @destination, @account, @instance
     WHERE @first::bool
        ON CONFLICT DO NOTHING
 RETURNING account
)
SELECT account FROM first
UNION ALL
SELECT account FROM contactsync.accounts WHERE destination = @destination
