-- Lift the quarantines that are over. $1 destination.
DELETE FROM contactsync.claims
 WHERE destination = $1 AND until <= now()
