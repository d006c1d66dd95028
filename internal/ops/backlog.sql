-- How the installation stands, for a machine. $1 destination, $2 where to stop
-- counting, $3 class of the locks, $4 object of slot 0.
-- Each count reads one index of the queue; rows at rest are in none of them.
SELECT (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL LIMIT $2) x)
       + (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() LIMIT $2) x) AS due,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now() LIMIT $2) x) AS waiting,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Processing' LIMIT $2) x) AS processing,
       (SELECT count(*) FROM (SELECT FROM contacts WHERE hubspot_processing_status = 'Error' LIMIT $2) x) AS error,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until IS NULL) AS in_flight,
       (SELECT count(*) FROM contactsync.claims WHERE destination = $1 AND until > now()) AS quarantined,
       greatest(0, coalesce(extract(epoch FROM now() - least(
           (SELECT min(hubspot_queued_at) FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL AND hubspot_queued_at > '-infinity'),
           (SELECT min(next_retry_at)::timestamptz FROM contacts
             WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now() AND next_retry_at > '-infinity')
       )), 0))::float8 AS oldest_due_seconds,
       (SELECT count(*) FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid = $3::int::bigint::oid AND l.objid BETWEEN $4::int AND $4::int + 99) AS led,
       (SELECT count(*) FROM contactsync.replicas WHERE seen_at > now() - interval '1 minute') AS replicas,
       EXISTS (SELECT FROM contactsync.holds WHERE destination = $1) AS held,
       (SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'contactsync%') AS connections
