-- Note what is about to be sent, but for what HubSpot has already: the keys that
-- are not returned. $1 destination, $2 cycle, $3 keys, $4 hashes, $5 whether
-- everything is to be sent. What decides is in the row itself, whose lock makes
-- those who send the same email take turns; a cycle without a claim is over.
-- While somebody sends without writing here, nothing here counts.
WITH asked AS MATERIALIZED (
    SELECT a.key, a.hash FROM unnest($3::bytea[], $4::bytea[]) AS a (key, hash)
), trusted AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM contactsync.slots s WHERE s.destination = $1 AND s.forgetful) AS yes,
           coalesce((SELECT s.at FROM contactsync.sent s WHERE s.destination = $1 AND s.key = ''), '-infinity') AS since
)
INSERT INTO contactsync.sent AS s (destination, key, hash, cycles, alone)
SELECT $1, a.key, a.hash, ARRAY[$2::bigint], t.yes
  FROM asked a, trusted t
 ORDER BY a.key -- everybody locks in this order
    ON CONFLICT (destination, key) DO UPDATE
   SET hash = excluded.hash,
       cycles = ARRAY(SELECT c FROM unnest(s.cycles) AS c WHERE EXISTS (
                    SELECT FROM contactsync.claims x WHERE x.destination = $1 AND x.cycle = c)) || $2::bigint,
       alone = excluded.alone AND NOT EXISTS (SELECT FROM unnest(s.cycles) AS c WHERE EXISTS (
                    SELECT FROM contactsync.claims x WHERE x.destination = $1 AND x.cycle = c)),
       at = clock_timestamp()
 WHERE $5::bool
    OR NOT (SELECT yes FROM trusted)
    OR s.at <= (SELECT since FROM trusted)
    OR s.cycles <> '{}'
    OR s.hash IS DISTINCT FROM excluded.hash
    OR s.hash IS NULL
    OR EXISTS (SELECT FROM contactsync.sent o -- another email of the same contact is under way, or in doubt
                WHERE o.destination = $1 AND o.remote_id = s.remote_id AND o.key <> s.key AND o.cycles <> '{}')
RETURNING s.key
