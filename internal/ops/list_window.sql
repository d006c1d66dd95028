-- A piece of list.sql, in the place of its table: the next contacts by their ids,
-- to look through. $1 as there, $10 how many.
SELECT c.id, c.email, c.name, c.hubspot_sync_status, c.hubspot_processing_status, c.hubspot_error_code,
       c.hubspot_processing_error, c.hubspot_contact_id, c.hubspot_synced_at, c.retry_count, c.next_retry_at, c.updated_at
  FROM contacts c
 WHERE c.id > $1::text::uuid
 ORDER BY c.id
 LIMIT $10::int
