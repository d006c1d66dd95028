-- How many contacts have a status and are not queued. $1 hubspot_sync_status.
SELECT count(*)
  FROM contacts
 WHERE hubspot_sync_status::text = $1
   AND hubspot_processing_status::text IS DISTINCT FROM 'Queued'
