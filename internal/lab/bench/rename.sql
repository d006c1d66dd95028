-- Change what has nothing to do with the queue. $1 the contact's id.
UPDATE contacts
   SET name = 'Renamed',
       updated_at = now()
 WHERE id = $1::text::uuid
