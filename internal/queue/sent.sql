-- What was sent last under each key, so that it is not sent again unchanged.

-- name: begin
-- Note what is about to be sent, but for what the destination has already: the keys
-- that are not returned. @force says that everything is to be sent. What decides is in
-- the row itself, whose lock makes those who send the same email take turns; a cycle
-- without a claim is over. While somebody sends without writing here, nothing here
-- counts.
WITH asked AS MATERIALIZED (
    SELECT a.key, a.hash FROM unnest(@keys::bytea[], @hashes::bytea[]) AS a (key, hash)
), trusted AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM contactsync.slots s WHERE s.destination = @destination AND s.forgetful) AS yes,
           coalesce((SELECT s.at FROM contactsync.sent s WHERE s.destination = @destination AND s.key = ''), '-infinity') AS since
)
INSERT INTO contactsync.sent AS s (destination, key, hash, cycles, alone)
SELECT @destination, a.key, a.hash, ARRAY[@cycle::bigint], t.yes
  FROM asked a, trusted t
 ORDER BY a.key -- everybody locks in this order
    ON CONFLICT (destination, key) DO UPDATE
   SET hash = excluded.hash,
       cycles = ARRAY(SELECT n FROM unnest(s.cycles) AS n WHERE EXISTS (
                    SELECT FROM contactsync.claims x WHERE x.destination = @destination AND x.cycle = n)) || @cycle::bigint,
       alone = excluded.alone AND NOT EXISTS (SELECT FROM unnest(s.cycles) AS n WHERE EXISTS (
                    SELECT FROM contactsync.claims x WHERE x.destination = @destination AND x.cycle = n)),
       at = clock_timestamp()
 WHERE @force::bool
    OR NOT (SELECT yes FROM trusted)
    OR s.at <= (SELECT since FROM trusted)
    OR s.cycles <> '{}'
    OR s.hash IS DISTINCT FROM excluded.hash
    OR s.hash IS NULL
    OR EXISTS (SELECT FROM contactsync.sent o -- another email of the same contact is under way, or in doubt
                WHERE o.destination = @destination AND o.remote_id = s.remote_id AND o.key <> s.key AND o.cycles <> '{}')
RETURNING s.key

-- name: begun
-- The contacts that the destination has under these keys.
SELECT key, coalesce(remote_id, '')
  FROM contactsync.sent
 WHERE destination = @destination AND key = ANY (@keys::bytea[])

-- name: finish
-- Note that requests are over of which it is known what became of them: one array
-- each, a place a key; @taken says whether the destination has taken it.
-- A hash stays only where nobody else sent to the same contact meanwhile, under the
-- same email or another one, and nothing older can come: else nobody knows who came last.
WITH ended AS MATERIALIZED (
    SELECT * FROM unnest(@keys::bytea[], @taken::bool[], @remote_ids::text[]) AS e (key, taken, remote_id)
), locked AS MATERIALIZED (
    SELECT s.key, s.remote_id, s.cycles, s.at
      FROM contactsync.sent s
     WHERE s.destination = @destination
       AND s.key = ANY (ARRAY( -- by keys alone: an OR of two indexes would read the whole table
               SELECT key FROM ended
                UNION
               SELECT o.key FROM contactsync.sent o
                WHERE o.destination = @destination AND o.remote_id = ANY (ARRAY(SELECT remote_id FROM ended WHERE taken))))
     ORDER BY s.key
       FOR UPDATE
), others AS MATERIALIZED (
    SELECT * FROM locked WHERE key NOT IN (SELECT key FROM ended)
), void AS (
    UPDATE contactsync.sent s
       SET hash = NULL, alone = false
     WHERE s.destination = @destination
       AND s.key = ANY (ARRAY(SELECT key FROM others))
)
UPDATE contactsync.sent s
   SET cycles = array_remove(s.cycles, @cycle::bigint),
       hash = CASE
           WHEN e.taken AND s.alone AND s.cycles = ARRAY[@cycle::bigint]
                AND NOT EXISTS (SELECT FROM contactsync.slots k WHERE k.destination = @destination AND k.forgetful)
                AND NOT EXISTS (SELECT FROM contactsync.doubts d WHERE d.destination = @destination AND d.key = e.key)
                AND NOT EXISTS (SELECT FROM ended o WHERE o.remote_id = e.remote_id AND o.key <> e.key)
                AND NOT EXISTS (SELECT FROM others o -- that ended since this began, goes on, or is in doubt
                                 WHERE o.remote_id = e.remote_id
                                   AND (o.at >= s.at OR o.cycles <> '{}'))
           THEN s.hash END,
       remote_id = CASE WHEN e.taken THEN e.remote_id ELSE s.remote_id END,
       at = clock_timestamp()
  FROM ended e
 WHERE s.destination = @destination
   AND s.key = e.key
   AND s.key = ANY (ARRAY(SELECT key FROM locked))
   AND @cycle::bigint = ANY (s.cycles)

-- name: forget
-- Make everything void that is remembered up to now, because this process sends
-- without writing it down. Where the clock went back, what comes next is void as well,
-- until it has caught up.
INSERT INTO contactsync.sent (destination, key, at)
SELECT @destination, '', greatest(clock_timestamp(), (SELECT max(s.at) FROM contactsync.sent s))
 WHERE EXISTS (SELECT FROM contactsync.sent WHERE destination = @destination)
    ON CONFLICT (destination, key) DO UPDATE SET at = excluded.at

-- name: system
-- The server, as it was initialised. A hosted one may keep that to itself.
SELECT system_identifier::text FROM pg_control_system()

-- name: timeline
-- The timeline of the server, which a restore to a point in time begins anew.
SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)

-- name: origin
-- Note which server (@server) and database this is, and make void what another one
-- remembered, or what this one did before its counter went back to @number, below the
-- highest number that this process has seen (@highest).
WITH here AS MATERIALIZED (
    SELECT concat_ws('/', @server::text,
                          (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) AS name
), moved AS (
    INSERT INTO contactsync.origins AS o (destination, server)
    SELECT @destination, name FROM here
        ON CONFLICT (destination) DO UPDATE
       SET server = excluded.server, since = clock_timestamp()
     WHERE o.server <> excluded.server OR @number::bigint <= @highest::bigint
 RETURNING destination
), void AS (
    INSERT INTO contactsync.sent (destination, key, at)
    SELECT destination, '', greatest(clock_timestamp(), (SELECT max(s.at) FROM contactsync.sent s)) FROM moved
        ON CONFLICT (destination, key) DO UPDATE SET at = excluded.at
 RETURNING destination
)
SELECT EXISTS (SELECT FROM void) AND (EXISTS (SELECT FROM contactsync.origins WHERE destination = @destination)
                                      OR EXISTS (SELECT FROM contactsync.sent WHERE destination = @destination)) AS moved
