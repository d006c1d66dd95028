-- End a contact in Error that cannot be marked Processing. $1 id, $2 why.
UPDATE contacts c
   SET hubspot_processing_status = 'Error',
       hubspot_sync_status = 'Error',
       hubspot_processing_error = left($2, 500),
       hubspot_error_code = 'OTHER',
       next_retry_at = NULL
 WHERE c.id = $1::text::uuid
   AND c.hubspot_processing_status = 'Queued'
