-- The last of the next contacts by their ids; nothing where there are fewer. $1 as
-- in list.sql, $2 how many.
SELECT c.id::text
  FROM contacts c
 WHERE c.id > $1::text::uuid
 ORDER BY c.id
OFFSET $2::int - 1
 LIMIT 1
