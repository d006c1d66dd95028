-- Give the slot's row back. $1 destination, $2 slot, $3 instance.
DELETE FROM contactsync.slots
 WHERE destination = $1 AND slot = $2::int AND instance = $3
