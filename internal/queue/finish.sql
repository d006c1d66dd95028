-- Note that requests are over of which it is known what became of them.
-- $1 destination, $2 cycle, then one array each, a place a key: $3 keys, $4 whether
-- HubSpot has taken it, $5 remote ids.
-- A hash stays only where nobody else sent to the same contact meanwhile, under
-- the same email or another one: else nobody knows who came last.
WITH ended AS MATERIALIZED (
    SELECT * FROM unnest($3::bytea[], $4::bool[], $5::text[]) AS e (key, taken, remote_id)
), locked AS MATERIALIZED (
    SELECT s.key, s.remote_id, s.cycles, s.at
      FROM contactsync.sent s
     WHERE s.destination = $1
       AND s.key = ANY (ARRAY( -- by keys alone: an OR of two indexes would read the whole table
               SELECT key FROM ended
                UNION
               SELECT o.key FROM contactsync.sent o
                WHERE o.destination = $1 AND o.remote_id = ANY (ARRAY(SELECT remote_id FROM ended WHERE taken))))
     ORDER BY s.key
       FOR UPDATE
), others AS MATERIALIZED (
    SELECT * FROM locked WHERE key NOT IN (SELECT key FROM ended)
), void AS (
    UPDATE contactsync.sent s
       SET hash = NULL, alone = false
     WHERE s.destination = $1
       AND s.key = ANY (ARRAY(SELECT key FROM others))
)
UPDATE contactsync.sent s
   SET cycles = array_remove(s.cycles, $2::bigint),
       hash = CASE
           WHEN e.taken AND s.alone AND s.cycles = ARRAY[$2::bigint]
                AND NOT EXISTS (SELECT FROM contactsync.slots k WHERE k.destination = $1 AND k.forgetful)
                AND NOT EXISTS (SELECT FROM ended o WHERE o.remote_id = e.remote_id AND o.key <> e.key)
                AND NOT EXISTS (SELECT FROM others o -- that ended since this began, goes on, or is in doubt
                                 WHERE o.remote_id = e.remote_id
                                   AND (o.at >= s.at OR o.cycles <> '{}'))
           THEN s.hash END,
       remote_id = CASE WHEN e.taken THEN e.remote_id ELSE s.remote_id END,
       at = clock_timestamp()
  FROM ended e
 WHERE s.destination = $1
   AND s.key = e.key
   AND s.key = ANY (ARRAY(SELECT key FROM locked))
   AND $2::bigint = ANY (s.cycles)
