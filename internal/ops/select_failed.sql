-- A page of contacts in Error. $1 code, empty for all, $2 after this id, $3 at
-- most so many.
SELECT id::text
  FROM contacts
 WHERE hubspot_processing_status = 'Error'
   AND ($1 = '' OR hubspot_error_code = $1)
   AND id > $2::text::uuid
 ORDER BY contacts.id -- the column: the output named id is its text, which no index has
 LIMIT $3::int
