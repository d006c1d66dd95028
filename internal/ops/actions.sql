-- What people did last. $1 contact, empty for all, $2 at most so many.
SELECT id, at, who, via, action, coalesce(contact_id::text, ''), detail, rows
  FROM contactsync.actions
 WHERE $1::text = '' OR contact_id = nullif($1::text, '')::uuid
 ORDER BY at DESC, id DESC
 LIMIT $2::int
