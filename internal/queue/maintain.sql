-- What leaders left behind, and what is old.

-- name: expire_quarantine
-- Lift the quarantines that are over. Of rows that were refused, a hundred at a time.
WITH refused AS (
    DELETE FROM contactsync.claims
     WHERE destination = @destination
       AND contact_id = ANY (ARRAY(
               SELECT contact_id FROM contactsync.claims
                WHERE destination = @destination AND until <= now() AND refusal IS NOT NULL
                ORDER BY until LIMIT 100))
)
DELETE FROM contactsync.claims
 WHERE destination = @destination AND until <= now() AND refusal IS NULL

-- name: dead_slots
-- The slots that have dead claims. @active is the cycles of this session that are
-- still in flight.
SELECT DISTINCT slot::int
  FROM contactsync.claims
 WHERE destination = @destination
   AND until IS NULL
   AND cycle <> ALL (@active::bigint[])
   AND claimed_at + dead_after <= now()
 ORDER BY slot

-- name: rescue
-- Rescue what a dead leader of one slot left in flight. The caller holds that slot's
-- lock. @active is the cycles of this session that are still in flight; @only, where it
-- is not NULL, some of the contacts. What became of their requests nobody knows: each may
-- land late for @doubt seconds more.
-- The branches that are never taken give the CASEs their column's own type, whose
-- name nobody knows here. The lost attempt counts, so that a contact that kills its
-- worker cannot do so for ever; the row is due at once, because the quarantine was
-- wait enough.
WITH dead AS MATERIALIZED (
    SELECT x.contact_id AS id, x.cycle
      FROM contactsync.claims x
     WHERE x.destination = @destination
       AND x.slot = @slot::int
       AND x.until IS NULL
       AND x.cycle <> ALL (@active::bigint[])
       AND x.claimed_at + x.dead_after <= now()
       AND (@only::text[] IS NULL OR x.contact_id = ANY (@only::text[]::uuid[]))
), held AS MATERIALIZED (
    SELECT c.id AS id,
           c.hubspot_processing_status = 'Processing' AS ours,
           least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int AS tries
      FROM contacts c
     WHERE c.id = ANY (ARRAY(SELECT id FROM dead))
       FOR NO KEY UPDATE OF c SKIP LOCKED
), written AS (
    UPDATE contacts c
       SET hubspot_processing_status = CASE WHEN held.tries >= @max_retries::int THEN 'Error'
               WHEN false THEN c.hubspot_processing_status ELSE 'Queued' END,
           hubspot_sync_status = CASE WHEN held.tries >= @max_retries::int THEN 'Error'
               WHEN false THEN c.hubspot_sync_status ELSE 'Queued' END,
           hubspot_processing_error = CASE WHEN held.tries >= @max_retries::int
               THEN format('Max retries exceeded (%s). Last error: worker stopped before finishing', @max_retries::int)
               ELSE 'worker stopped before finishing' END,
           hubspot_error_code = 'WORKER_STOPPED',
           retry_count = greatest(held.tries, least(held.tries + 1, @max_retries::int)),
           next_retry_at = CASE WHEN held.tries >= @max_retries::int THEN NULL ELSE now() END,
           last_retry_at = now(),
           last_failed_crm = @destination
      FROM held
     WHERE c.id = held.id
       AND c.id = ANY (ARRAY(SELECT id FROM held WHERE ours))
 RETURNING c.id
), failed AS (
    INSERT INTO contactsync.failures (contact_id, destination, cycle, attempt, code, message)
    SELECT held.id, @destination, dead.cycle, held.tries + 1, 'WORKER_STOPPED', 'worker stopped before finishing'
      FROM held JOIN dead USING (id)
     WHERE held.ours
), freed AS (
    DELETE FROM contactsync.claims x
     WHERE x.destination = @destination
       AND x.contact_id = ANY (ARRAY(
               SELECT id FROM held
               UNION ALL
               SELECT dead.id FROM dead WHERE (SELECT c.id FROM contacts c WHERE c.id = dead.id) IS NULL))
 RETURNING x.contact_id, x.key
), older AS (
    INSERT INTO contactsync.doubts AS d (destination, key, until)
    SELECT @destination, key, max(clock_timestamp() + make_interval(secs => @doubt::float8)) FROM freed WHERE key IS NOT NULL GROUP BY key
        ON CONFLICT (destination, key) DO UPDATE
       SET until = greatest(d.until, excluded.until), versions = '{}'
)
SELECT (SELECT count(*) FROM written)::int AS requeued,
       (SELECT count(*) FROM freed)::int AS freed

-- name: end_doubts
-- Something older can come no more, or the older row was due to be tried again: what was
-- sent since goes to the destination once more, where it is the last. To ask first
-- whether that is needed would be a request as well. While something of the key is in
-- flight, or a row is held locked, it goes on; what an app has queued again is sent
-- anyway. A row that is tried again with newer values has overtaken nobody but itself.
-- Only the keys @only; NULL for all. Where a trigger skips a row its key is returned, with
-- the row, and goes on.
WITH over AS MATERIALIZED (
    SELECT d.key,
           CASE WHEN d.until <= now() OR d.retry_at <= now() AND NOT d.newer <@ d.rows THEN d.newer ELSE '{}' END AS newer
      FROM contactsync.doubts d
     WHERE d.destination = @destination AND least(d.until, d.retry_at) <= now()
       AND (@only::bytea[] IS NULL OR d.key = ANY (@only::bytea[]))
       AND (SELECT x.slot FROM contactsync.claims x WHERE x.key = d.key AND x.destination = @destination AND x.holds_key) IS NULL
     LIMIT 5000
       FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT c.id AS id,
           c.hubspot_processing_status = 'Complete' AS rests
      FROM contacts c
     WHERE c.id = ANY (ARRAY(SELECT unnest(newer) FROM over)::uuid[])
       AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
       FOR NO KEY UPDATE OF c SKIP LOCKED
), again AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Queued',
           hubspot_sync_status = 'Queued',
           hubspot_queued_at = clock_timestamp(), -- a request of its own, and no double of the last
           retry_count = 0,
           next_retry_at = now()
     WHERE c.id = ANY (ARRAY(SELECT id FROM held WHERE rests))
 RETURNING c.id
), vetoed AS MATERIALIZED (
    SELECT o.key, min(n.id::text) AS id
      FROM over o, unnest(o.newer::uuid[]) AS n (id)
     WHERE n.id IN (SELECT id FROM held WHERE rests) AND n.id NOT IN (SELECT id FROM again)
     GROUP BY o.key
), told AS MATERIALIZED (
    SELECT o.key FROM over o
     WHERE o.key NOT IN (SELECT key FROM vetoed)
       AND NOT EXISTS (SELECT FROM unnest(o.newer::uuid[]) AS n (id)
                        WHERE n.id NOT IN (SELECT id FROM held) AND (SELECT c.id FROM contacts c WHERE c.id = n.id) IS NOT NULL)
), ended AS (
    DELETE FROM contactsync.doubts d
     WHERE d.destination = @destination AND d.key = ANY (ARRAY(SELECT key FROM told)) AND greatest(d.until, d.retry_at) <= now()
), continued AS (
    UPDATE contactsync.doubts d
       SET until = CASE WHEN d.until > now() THEN d.until END,
           retry_at = CASE WHEN d.retry_at > now() THEN d.retry_at END
     WHERE d.destination = @destination AND d.key = ANY (ARRAY(SELECT key FROM told)) AND greatest(d.until, d.retry_at) > now()
)
SELECT (SELECT count(*) FROM again)::int,
       ARRAY(SELECT key FROM vetoed ORDER BY key),
       ARRAY(SELECT id FROM vetoed ORDER BY key)

-- name: due_doubts
-- The keys whose doubts are to be ended, each with a row that was sent since.
SELECT key, coalesce(newer[1]::text, '') AS id
  FROM contactsync.doubts
 WHERE destination = @destination AND least(until, retry_at) <= now()
 ORDER BY least(until, retry_at)
 LIMIT 1000

-- name: strays
-- The rows that are Processing although nobody works on them, left by another worker or
-- written back by an app that saves whole rows, and that are to be adopted: unchanged
-- for @after seconds, or seen so for as long, whatever an app writes into updated_at.
-- Since when they are seen is noted.
WITH seen AS MATERIALIZED (
    SELECT c.id AS id,
           c.updated_at IS NULL OR c.updated_at <= now() - make_interval(secs => @after::float8) AS old
      FROM contacts c
     WHERE c.hubspot_processing_status = 'Processing'
       AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
     LIMIT 10000
), noted AS (
    INSERT INTO contactsync.strays (contact_id, destination)
    SELECT id, @destination FROM seen
        ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM contactsync.strays s
     WHERE s.destination = @destination AND s.contact_id <> ALL (ARRAY(SELECT id FROM seen))
)
SELECT seen.id::text
  FROM seen
  LEFT JOIN contactsync.strays s ON s.contact_id = seen.id AND s.destination = @destination
 WHERE seen.old OR s.since <= now() - make_interval(secs => @after::float8)
 LIMIT 1000

-- name: adopt
-- Put strays back into the queue. Nothing is spent. One that is not written was vetoed.
WITH stray AS MATERIALIZED (
    SELECT c.id AS id
      FROM contacts c
     WHERE c.id = ANY (@ids::text[]::uuid[])
       AND c.hubspot_processing_status = 'Processing'
       AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
       FOR NO KEY UPDATE OF c SKIP LOCKED
), adopted AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Queued',
           hubspot_sync_status = 'Queued'
     WHERE c.id = ANY (ARRAY(SELECT id FROM stray))
 RETURNING c.id AS id
)
SELECT stray.id::text, adopted.id IS NULL AS vetoed
  FROM stray
  LEFT JOIN adopted USING (id)

-- name: undated
-- Rows that wait, and nobody knows since when.
SELECT c.id::text
  FROM contacts c
 WHERE c.hubspot_processing_status = 'Queued'
   AND c.next_retry_at IS NULL
   AND c.hubspot_queued_at IS NULL
 LIMIT 1000

-- name: date_queue
-- Take it that they wait since now: so they have a place in the queue.
UPDATE contacts c
   SET hubspot_queued_at = now()
 WHERE c.id = ANY (ARRAY(
           SELECT c.id
             FROM contacts c
            WHERE c.id = ANY (@ids::text[]::uuid[])
              AND c.hubspot_processing_status = 'Queued'
              AND c.hubspot_queued_at IS NULL
              FOR NO KEY UPDATE OF c SKIP LOCKED))

-- name: put_off_doubts
-- End the doubts of @keys later, because a row of each refuses to be queued again.
UPDATE contactsync.doubts
   SET until = now() + make_interval(secs => @seconds::float8), retry_at = CASE WHEN retry_at > now() THEN retry_at END
 WHERE destination = @destination AND key = ANY (@keys::bytea[]) AND least(until, retry_at) <= now()

-- name: dead
-- The contacts of the dead claims of a slot.
SELECT contact_id::text
  FROM contactsync.claims
 WHERE destination = @destination
   AND slot = @slot::int
   AND until IS NULL
   AND cycle <> ALL (@active::bigint[])
   AND claimed_at + dead_after <= now()

-- name: put_off
-- Leave dead claims alone whose rows refuse to be written.
UPDATE contactsync.claims
   SET until = clock_timestamp() + make_interval(secs => @seconds::float8), refusal = @refusal::bigint, holds_key = false
 WHERE contact_id = ANY (@ids::text[]::uuid[]) AND destination = @destination AND until IS NULL AND cycle <> ALL (@active::bigint[])

-- name: prune
-- Forget old bookkeeping, a bounded piece at a time. A process that said nothing for a
-- day is gone.
WITH old_cycles AS (
    DELETE FROM contactsync.cycles
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.cycles
                WHERE finished_at < now() - make_interval(days => @days::int)
                ORDER BY finished_at LIMIT 5000))
), old_failures AS (
    DELETE FROM contactsync.failures
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.failures
                WHERE at < now() - make_interval(days => @days::int)
                ORDER BY at LIMIT 5000))
), old_actions AS (
    DELETE FROM contactsync.actions
     WHERE id = ANY (ARRAY(
               SELECT id FROM contactsync.actions
                WHERE at < now() - make_interval(days => @days::int)
                ORDER BY at LIMIT 5000))
), old_sent AS ( -- so that every contact is sent once in a while
    DELETE FROM contactsync.sent
     WHERE ctid = ANY (ARRAY(
               SELECT ctid FROM contactsync.sent
                WHERE at < now() - make_interval(days => @days::int) AND key <> ''
                ORDER BY at LIMIT 5000))
), over AS (
    DELETE FROM contactsync.refusals r
     WHERE seen_at < now() - interval '1 day'
       AND NOT EXISTS (SELECT FROM contactsync.claims x WHERE x.refusal = r.id)
), gone AS (
    DELETE FROM contactsync.replicas
     WHERE seen_at < now() - interval '1 day'
)
SELECT 1
