-- A page of all contacts that can be sent and neither are in the queue nor in
-- flight, but for those that a person has skipped. $1 after this id, $2 at most so
-- many.
SELECT id::text
  FROM contacts
 WHERE id > $1::text::uuid
   AND btrim(email::text) <> ''
   AND hubspot_sync_status::text IS DISTINCT FROM 'Skipped' -- an app's own type need not have it
   AND (hubspot_processing_status IS NULL OR hubspot_processing_status NOT IN ('Queued', 'Processing'))
 ORDER BY contacts.id -- the column: the output named id is its text, which no index has
 LIMIT $2::int
