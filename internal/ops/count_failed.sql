-- How many contacts are in Error. $1 code, empty for all.
SELECT count(*)
  FROM contacts
 WHERE hubspot_processing_status = 'Error'
   AND ($1 = '' OR hubspot_error_code = $1)
