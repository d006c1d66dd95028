-- How many contacts can be sent and neither are in the queue nor in flight, but for
-- those that a person has skipped. $1 after this id.
SELECT count(*)
  FROM contacts
 WHERE id > $1::text::uuid
   AND btrim(email::text) <> ''
   AND hubspot_sync_status::text IS DISTINCT FROM 'Skipped'
   AND (hubspot_processing_status IS NULL OR hubspot_processing_status NOT IN ('Queued', 'Processing'))
