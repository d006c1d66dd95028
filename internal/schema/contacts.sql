-- The rows of the app's table, rendered for the table and a destination.

-- name: queue_order
-- Tell contacts that wait since when, as far as their table knows: their place in the
-- queue. A thousand at a time, without those that somebody holds locked: they come first
-- without it. Returns how many have it now: an app's trigger may undo it.
WITH waiting AS (
    SELECT c.id AS id
      FROM contacts c
     WHERE c.hubspot_processing_status = 'Queued'
       AND c.next_retry_at IS NULL
       AND c.hubspot_queued_at IS NULL
     LIMIT 1000
       FOR NO KEY UPDATE SKIP LOCKED
), told AS (
    UPDATE contacts c
       SET hubspot_queued_at = CASE WHEN isfinite(c.updated_at) THEN least(c.updated_at::timestamptz, now()) ELSE now() END
      FROM waiting w
     WHERE c.id = w.id
 RETURNING c.hubspot_queued_at
)
SELECT count(hubspot_queued_at) FROM told
