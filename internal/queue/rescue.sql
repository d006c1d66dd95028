-- Rescue what a dead leader of one slot left in flight. The caller holds that
-- slot's lock. $1 destination, $2 slot, $3 cycles of this session that are
-- still in flight, $4 after how many seconds a claim is dead, $5 maximum of
-- retries.
-- The branches that are never taken give the CASEs their column's own type,
-- whose name nobody knows here. The lost attempt counts, so that a contact that kills its worker cannot do
-- so for ever; the row is due at once, because the quarantine was wait enough.
WITH dead AS MATERIALIZED (
    SELECT x.contact_id AS id, x.cycle
      FROM contactsync.claims x
     WHERE x.destination = $1
       AND x.slot = $2::int
       AND x.until IS NULL
       AND x.cycle <> ALL ($3::bigint[])
       AND x.claimed_at <= now() - make_interval(secs => $4::float8)
), held AS MATERIALIZED (
    SELECT c.id,
           c.hubspot_processing_status = 'Processing' AS ours,
           least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int AS tries
      FROM contacts c
     WHERE c.id = ANY (ARRAY(SELECT id FROM dead))
       FOR NO KEY UPDATE OF c SKIP LOCKED
), written AS (
    UPDATE contacts c
       SET hubspot_processing_status = CASE WHEN held.tries >= $5::int THEN 'Error'
               WHEN false THEN c.hubspot_processing_status ELSE 'Queued' END,
           hubspot_sync_status = CASE WHEN held.tries >= $5::int THEN 'Error'
               WHEN false THEN c.hubspot_sync_status ELSE 'Queued' END,
           hubspot_processing_error = CASE WHEN held.tries >= $5::int
               THEN format('Max retries exceeded (%s). Last error: worker stopped before finishing', $5::int)
               ELSE 'worker stopped before finishing' END,
           hubspot_error_code = 'WORKER_STOPPED',
           retry_count = greatest(held.tries, least(held.tries + 1, $5::int)),
           next_retry_at = CASE WHEN held.tries >= $5::int THEN NULL ELSE now() END,
           last_retry_at = now(),
           last_failed_crm = $1
      FROM held
     WHERE c.id = held.id
       AND c.id = ANY (ARRAY(SELECT id FROM held WHERE ours))
 RETURNING c.id
), failed AS (
    INSERT INTO contactsync.failures (contact_id, destination, cycle, attempt, code, message)
    SELECT held.id, $1, dead.cycle, held.tries + 1, 'WORKER_STOPPED', 'worker stopped before finishing'
      FROM held JOIN dead USING (id)
     WHERE held.ours
), freed AS (
    DELETE FROM contactsync.claims x
     WHERE x.destination = $1
       AND x.contact_id = ANY (ARRAY(
               SELECT id FROM held
               UNION ALL
               SELECT dead.id FROM dead WHERE (SELECT c.id FROM contacts c WHERE c.id = dead.id) IS NULL))
 RETURNING x.contact_id
)
SELECT (SELECT count(*) FROM written)::int AS requeued,
       (SELECT count(*) FROM freed)::int AS freed
