-- The contacts that failed, by code, most first; those in Error and those that
-- wait for a retry.
SELECT coalesce(hubspot_error_code, 'OTHER') AS code,
       count(*) FILTER (WHERE hubspot_processing_status = 'Error') AS error,
       count(*) FILTER (WHERE hubspot_processing_status = 'Queued') AS waiting,
       min(hubspot_processing_error) AS example
  FROM contacts
 WHERE hubspot_processing_status = 'Error'
    OR hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL AND hubspot_error_code IS NOT NULL
 GROUP BY 1
 ORDER BY count(*) DESC, 1
 LIMIT 20
