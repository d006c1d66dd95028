-- The ids of the contacts in the queue, in the order of the claims: due retries,
-- fresh ones, then those that wait for their time. $1 how many at most.
SELECT id::text
  FROM contacts
 WHERE hubspot_processing_status = 'Queued'
 ORDER BY CASE WHEN next_retry_at <= now() THEN 1 WHEN next_retry_at IS NULL THEN 2 ELSE 3 END,
          next_retry_at, hubspot_queued_at NULLS FIRST, contacts.id
 LIMIT $1::int
