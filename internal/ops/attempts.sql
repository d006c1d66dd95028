-- The newest failed attempts of one contact, or of all where $1 is NULL. $1 id,
-- $2 destination, $3 how many at most.
SELECT f.contact_id::text,
       coalesce((SELECT c.email::text FROM contacts c WHERE c.id = f.contact_id), ''),
       f.at,
       coalesce(f.attempt, 0),
       coalesce(f.code, 'OTHER'),
       coalesce(f.http_status, 0),
       coalesce(f.message, ''),
       coalesce(f.correlation_id, ''),
       coalesce((SELECT y.instance FROM contactsync.cycles y WHERE y.id = f.cycle), '')
  FROM contactsync.failures f
 WHERE (f.contact_id = $1::text::uuid OR $1 IS NULL)
   AND f.destination = $2
 ORDER BY f.at DESC
 LIMIT $3::int
