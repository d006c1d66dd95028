-- Take contacts out of the queue for good, as a person's decision. What is in
-- flight is finished, and stays skipped. $1 ids. What is Complete is left alone.
UPDATE contacts
   SET hubspot_sync_status = 'Skipped',
       hubspot_processing_status = NULL,
       hubspot_processing_error = NULL,
       hubspot_error_code = NULL,
       next_retry_at = NULL
 WHERE id = ANY ($1::text[]::uuid[])
   AND hubspot_processing_status IS DISTINCT FROM 'Complete'
RETURNING id::text
