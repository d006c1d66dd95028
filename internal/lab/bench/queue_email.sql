-- Queue one contact, as an app does that knows its email alone. $1 its email.
UPDATE contacts
   SET hubspot_processing_status = 'Queued',
       updated_at = now()
 WHERE email = $1
