-- The ids of the contacts with a status. $1 hubspot_sync_status, $2 how many at
-- most.
SELECT id::text
  FROM contacts
 WHERE hubspot_sync_status = $1
 ORDER BY contacts.id -- the column: the output named id is its text, which no index has
 LIMIT $2::int
