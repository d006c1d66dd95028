-- How the queue stands now. $1 destination.
SELECT (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL)
       + (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now()) AS due,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now()) AS waiting,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Processing') AS processing,
       (SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Error') AS error,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until IS NULL) AS in_flight,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until > now()) AS quarantined,
       extract(epoch FROM now() - least(
           (SELECT min(hubspot_queued_at) FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL AND hubspot_queued_at > '-infinity'),
           (SELECT min(next_retry_at)::timestamptz FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() AND next_retry_at > '-infinity')
       ))::float8 AS oldest_due_seconds,
       (SELECT min(next_retry_at)::timestamptz FROM contacts
         WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now()) AS next_retry_at
