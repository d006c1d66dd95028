-- Find contacts by email. $1 emails, trimmed and folded.
SELECT id::text, lower(btrim(email::text))
  FROM contacts
 WHERE lower(btrim(email::text)) = ANY ($1::text[])
