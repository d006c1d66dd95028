-- A page of contacts with a status. $1 hubspot_sync_status, $2 after this id,
-- $3 at most so many.
SELECT id::text
  FROM contacts
 WHERE hubspot_sync_status = $1
   AND hubspot_processing_status IS DISTINCT FROM 'Queued'
   AND id > $2::text::uuid
 ORDER BY contacts.id -- the column: the output named id is its text, which no index has
 LIMIT $3::int
