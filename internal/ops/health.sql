-- What stands still, and how many rows each index of the queue holds.
-- $1 destination, $2 after how many seconds a row that is Processing without a
-- claim counts as stuck, $3 after how many seconds a due row does.
SELECT (SELECT count(*) FROM contacts c
         WHERE c.hubspot_processing_status = 'Processing'
           AND (c.updated_at IS NULL OR c.updated_at <= now() - make_interval(secs => $2::float8))
           AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $1)) AS orphaned,
       (SELECT count(*) FROM contacts c
         WHERE c.hubspot_processing_status = 'Queued'
           AND c.next_retry_at IS NULL
           AND (c.hubspot_queued_at IS NULL OR c.hubspot_queued_at <= now() - make_interval(secs => $3::float8))
           AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $1))
       + (SELECT count(*) FROM contacts c
           WHERE c.hubspot_processing_status = 'Queued'
             AND c.next_retry_at <= now() - make_interval(secs => $3::float8)
             AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $1)) AS overdue,
       (SELECT extract(epoch FROM now() - max(y.finished_at)) FROM contactsync.cycles y WHERE y.destination = $1)::float8 AS last_cycle_seconds,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL) AS fresh,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL) AS retries,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Processing') AS processing,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Error') AS failed,
       (SELECT count(*) FROM contactsync.claims) AS claims
