-- Adopt rows that are Processing although nobody works on them: left by
-- another worker, or written back by an app that saves whole rows. $1
-- destination, $2 after how many seconds without a change. Nothing is spent.
WITH adopted AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Queued',
           hubspot_sync_status = 'Queued'
     WHERE c.id = ANY (ARRAY(
               SELECT p.id
                 FROM contacts p
                WHERE p.hubspot_processing_status = 'Processing'
                  AND (p.updated_at IS NULL OR p.updated_at <= now() - make_interval(secs => $2::float8))
                  AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = p.id AND x.destination = $1) IS NULL
                LIMIT 1000
                  FOR NO KEY UPDATE OF p SKIP LOCKED))
 RETURNING c.id
)
SELECT count(*)::int FROM adopted
