-- Queue one contact, as an app does. $1 its id.
UPDATE contacts
   SET hubspot_processing_status = 'Queued',
       updated_at = now()
 WHERE id = $1::text::uuid
