-- All that is known of one contact. $1 its id, $2 destination.
SELECT c.id::text,
       coalesce(c.email::text, ''),
       coalesce(c.name::text, ''),
       coalesce(c.hubspot_sync_status::text, ''),
       coalesce(c.hubspot_processing_status::text, ''),
       coalesce(c.hubspot_error_code::text, ''),
       coalesce(c.hubspot_processing_error::text, ''),
       coalesce(c.hubspot_contact_id::text, ''),
       least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int,
       CASE WHEN isfinite(c.next_retry_at) THEN c.next_retry_at::timestamptz END,
       CASE WHEN isfinite(c.hubspot_synced_at) THEN c.hubspot_synced_at::timestamptz END,
       CASE WHEN isfinite(c.updated_at) THEN c.updated_at::timestamptz END,
       coalesce(c.phone_number::text, ''),
       coalesce(c.domain_id::text, ''),
       coalesce(c.page_id::text, ''),
       CASE WHEN isfinite(c.last_retry_at) THEN c.last_retry_at::timestamptz END,
       coalesce(c.created_at::text, ''),
       x.claimed_at,
       x.until
  FROM contacts c
  LEFT JOIN contactsync.claims x ON x.contact_id = c.id AND x.destination = $2
 WHERE c.id = $1::text::uuid
