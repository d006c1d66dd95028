-- Which of the contacts are in Error. $1 ids.
SELECT id::text
  FROM contacts
 WHERE id = ANY ($1::text[]::uuid[])
   AND hubspot_processing_status = 'Error'
