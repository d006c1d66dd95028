-- The slots that have dead claims. $1 destination, $2 cycles of this session
-- that are still in flight, $3 after how many seconds a claim is dead.
SELECT DISTINCT slot::int
  FROM contactsync.claims
 WHERE destination = $1
   AND until IS NULL
   AND cycle <> ALL ($2::bigint[])
   AND claimed_at <= now() - make_interval(secs => $3::float8)
 ORDER BY slot
