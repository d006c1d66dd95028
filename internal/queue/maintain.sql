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
-- still in flight; a claim is dead after @dead_after seconds.
SELECT DISTINCT slot::int
  FROM contactsync.claims
 WHERE destination = @destination
   AND until IS NULL
   AND cycle <> ALL (@active::bigint[])
   AND claimed_at <= now() - make_interval(secs => @dead_after::float8)
 ORDER BY slot

-- name: rescue
-- Rescue what a dead leader of one slot left in flight. The caller holds that slot's
-- lock. @active is the cycles of this session that are still in flight; a claim is
-- dead after @dead_after seconds.
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
       AND x.claimed_at <= now() - make_interval(secs => @dead_after::float8)
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
 RETURNING x.contact_id
)
SELECT (SELECT count(*) FROM written)::int AS requeued,
       (SELECT count(*) FROM freed)::int AS freed

-- name: adopt
-- Adopt rows that are Processing although nobody works on them: left by another
-- worker, or written back by an app that saves whole rows. They must be so for @after
-- seconds without a change. Nothing is spent.
WITH adopted AS (
    UPDATE contacts c
       SET hubspot_processing_status = 'Queued',
           hubspot_sync_status = 'Queued'
     WHERE c.id = ANY (ARRAY(
               SELECT c.id
                 FROM contacts c
                WHERE c.hubspot_processing_status = 'Processing'
                  AND (c.updated_at IS NULL OR c.updated_at <= now() - make_interval(secs => @after::float8))
                  AND (SELECT x.slot FROM contactsync.claims x WHERE x.contact_id = c.id AND x.destination = @destination) IS NULL
                LIMIT 1000
                  FOR NO KEY UPDATE OF c SKIP LOCKED))
 RETURNING c.id
)
SELECT count(*)::int FROM adopted

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
