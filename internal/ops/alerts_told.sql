-- Note that the webhook was told. $1 destination, $2 kind, $3 how it stood.
UPDATE contactsync.alerts
   SET told = $3::bool, told_at = now(), next_try_at = '-infinity'
 WHERE destination = $1 AND kind = $2
