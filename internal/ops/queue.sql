-- Put contacts into the queue, as an app would. $1 ids.
UPDATE contacts
   SET hubspot_processing_status = 'Queued',
       hubspot_sync_status = 'Queued'
 WHERE id = ANY ($1::text[]::uuid[])
RETURNING id::text
