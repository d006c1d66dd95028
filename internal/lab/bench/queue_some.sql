-- Queue some contacts in one commit, as an app does. $1 their ids.
UPDATE contacts
   SET hubspot_processing_status = 'Queued',
       updated_at = now()
 WHERE id = ANY ($1::text[]::uuid[])
