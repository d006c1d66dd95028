-- How the queue stands now, as status.sql says it, with counts up to a bound. $1
-- destination, $2 the bound.
SELECT (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL LIMIT $2::int) AS counted)
       + (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() LIMIT $2::int) AS counted) AS due,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now() LIMIT $2::int) AS counted) AS waiting,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Processing' LIMIT $2::int) AS counted) AS processing,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Error' LIMIT $2::int) AS counted) AS error,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until IS NULL) AS in_flight,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until > now()) AS quarantined,
       extract(epoch FROM now() - least(
           (SELECT min(hubspot_queued_at) FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL AND hubspot_queued_at > '-infinity'),
           (SELECT min(next_retry_at)::timestamptz FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() AND next_retry_at > '-infinity')
       ))::float8 AS oldest_due_seconds,
       (SELECT min(next_retry_at)::timestamptz FROM contacts
         WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now() AND next_retry_at < 'infinity') AS next_retry_at
