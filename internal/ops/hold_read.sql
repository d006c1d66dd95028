-- Who has paused a destination. $1 destination.
SELECT since, who, reason
  FROM contactsync.holds
 WHERE destination = $1
