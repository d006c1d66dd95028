-- What a claim would take, without taking it. $1 how many rows at most, $2
-- destination, $3 rows that are set aside.
SELECT c.id::text
  FROM contacts c
 WHERE c.hubspot_processing_status = 'Queued'
   AND (c.next_retry_at IS NULL OR c.next_retry_at <= now())
   AND c.id <> ALL ($3::text[]::uuid[])
   AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = $2) IS NULL
 LIMIT CASE WHEN EXISTS (SELECT FROM contactsync.holds h WHERE h.destination = $2) THEN 0 ELSE $1::int END
