-- How many contacts have a status and are not queued. $1 hubspot_sync_status.
SELECT count(*)
  FROM contacts
 WHERE hubspot_sync_status = $1
   AND hubspot_processing_status IS DISTINCT FROM 'Queued'
