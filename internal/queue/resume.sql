-- Make rows due that wait only because of the account. $1 their codes, $2 how
-- many at most; which ones is left to chance, so that a bad one is not always the
-- first.
WITH due AS (
    UPDATE contacts c
       SET next_retry_at = now()
     WHERE c.id = ANY (ARRAY(
               SELECT p.id
                 FROM contacts p
                WHERE p.hubspot_processing_status = 'Queued'
                  AND p.next_retry_at > now()
                  AND p.hubspot_error_code = ANY ($1::text[])
                ORDER BY random()
                LIMIT $2::int
                  FOR NO KEY UPDATE OF p SKIP LOCKED))
 RETURNING c.id
)
SELECT count(*)::int FROM due
