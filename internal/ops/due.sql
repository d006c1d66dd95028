-- Whether contacts are due that nobody works on yet.
SELECT EXISTS (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL)
    OR EXISTS (SELECT FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at <= now())
