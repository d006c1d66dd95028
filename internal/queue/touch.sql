-- Say that cycles are still alive, so that their claims do not count as dead.
-- $1 destination, $2 cycles.
UPDATE contactsync.claims
   SET claimed_at = clock_timestamp()
 WHERE destination = $1 AND cycle = ANY ($2::bigint[]) AND until IS NULL
