-- Say that a cycle is still alive, so that its claims do not count as dead.
-- $1 destination, $2 cycle.
UPDATE contactsync.claims
   SET claimed_at = clock_timestamp()
 WHERE destination = $1 AND cycle = $2::bigint AND until IS NULL
