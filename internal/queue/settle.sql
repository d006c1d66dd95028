-- Settle the outcomes of one cycle: one statement for all of them.
-- $1 destination, $2 cycle, $3 maximum of retries, $4 retry delay in seconds,
-- $5 whether the delay doubles, $6 how many seconds a doubt lasts,
-- $7 instance, $8 slot, $9 claimed_at, $10 requests, $11 throttled in ms,
-- then one array each, a place a contact: $12 ids, $13 verdicts, $14 remote ids,
-- $15 created, $16 codes, $17 messages, $18 HTTP statuses, $19 correlation ids,
-- $20 in doubt, $21 forgiving, $22 for how many seconds an unspent row is put off;
-- $23 the versions of what was sent.
-- A row is written only while our claim of this cycle stands, and its status
-- only while it still is Processing: whatever the app made of it stays. A row
-- that is Processing but holds other values than were sent was touched meanwhile,
-- perhaps queued again and then overwritten by a save of the whole row: it goes
-- back to the queue rather than to rest. Rows
-- that somebody holds locked are passed over and not returned; the caller
-- settles them later.
WITH o AS MATERIALIZED (
    -- The coalesce keeps the planner from expecting hardly a row.
    SELECT *
      FROM unnest($12::text[]::uuid[], $13::text[], $14::text[], $15::bool[], $16::text[],
                  $17::text[], $18::int[], $19::text[], $20::bool[], $21::bool[], $22::float8[], $23::text[])
        AS o (id, verdict, remote_id, created, code, message, http_status, correlation_id, in_doubt, forgiving, put_off, version) -- version: of what was sent
     WHERE coalesce((SELECT x.cycle FROM contactsync.claims x WHERE x.contact_id = o.id AND x.destination = $1) = $2::bigint, false)
), held AS MATERIALIZED (
    -- Row by row on purpose: each is locked, or passed over, by itself.
    SELECT o.*, c.ours, c.version AS found_version, c.tries, c.since
      FROM o, LATERAL (
        SELECT coalesce(c.hubspot_processing_status = 'Processing', false) AS ours,
               md5(ROW(c.email, c.name, c.phone_number, c.domain_id, c.page_id/* further columns */)::text) AS version,
               least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int AS tries,
               -- Since when it waits; a contact that was scheduled, since then.
               CASE WHEN isfinite(c.hubspot_queued_at) AND isfinite(coalesce(c.next_retry_at, c.hubspot_queued_at))
                    THEN greatest(c.hubspot_queued_at, c.next_retry_at) END AS since
          FROM contacts c
         WHERE c.id = o.id
           FOR NO KEY UPDATE OF c SKIP LOCKED) c
), found AS MATERIALIZED (
    SELECT * FROM held
    UNION ALL -- deleted by the app while it was in flight
    SELECT o.*, false, o.version, 0, NULL FROM o
     WHERE o.id NOT IN (SELECT id FROM held) AND (SELECT c.id FROM contacts c WHERE c.id = o.id) IS NULL
), d AS MATERIALIZED (
    SELECT found.*,
           CASE WHEN ours AND found_version <> version AND verdict IN ('synced', 'unchanged', 'reject') THEN 'touched'
                WHEN verdict = 'retry' AND NOT forgiving AND tries >= $3::int
                THEN CASE WHEN ours AND found_version <> version THEN 'touched' ELSE 'exhausted' END
                ELSE verdict END AS final
      FROM found
), e AS MATERIALIZED (
    SELECT d.*,
           left(CASE WHEN final = 'exhausted'
                     THEN format('Max retries exceeded (%s). Last error: %s', $3::int, message)
                     ELSE message END, 500) AS error,
           clock_timestamp() + make_interval(secs => least( -- a week at most
               $4::float8 * CASE WHEN $5::bool THEN 2 ^ least(tries, 30) ELSE tries + 1 END
                          * (0.9 + 0.2 * random()), 604800)) AS retry_at,
           -- What a command syncs, in a slot from 1000 on, may never have been queued.
           CASE WHEN ours AND final = 'synced' AND tries = 0 AND since < clock_timestamp() AND $8::int < 1000
                THEN extract(epoch FROM clock_timestamp() - since)::float8 END AS waited
      FROM d
), f AS MATERIALIZED (
    SELECT e.*,
           width_bucket(waited, ARRAY[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]::float8[]) AS bucket
      FROM e
), written AS (
    UPDATE contacts c
       SET hubspot_processing_status = CASE
               WHEN NOT e.ours THEN c.hubspot_processing_status
               WHEN e.final IN ('synced', 'unchanged') THEN 'Complete'
               WHEN e.final IN ('reject', 'exhausted') THEN 'Error'
               ELSE 'Queued' END,
           hubspot_sync_status = CASE
               WHEN NOT e.ours THEN c.hubspot_sync_status
               WHEN e.final IN ('synced', 'unchanged') THEN 'Complete'
               WHEN e.final IN ('reject', 'exhausted') THEN 'Error'
               ELSE 'Queued' END,
           hubspot_processing_error = CASE
               WHEN NOT e.ours OR e.final = 'unspent' THEN c.hubspot_processing_error
               WHEN e.final IN ('synced', 'unchanged', 'touched') THEN NULL
               ELSE e.error END,
           hubspot_error_code = CASE
               WHEN NOT e.ours OR e.final = 'unspent' THEN c.hubspot_error_code
               WHEN e.final IN ('synced', 'unchanged', 'touched') THEN NULL
               ELSE e.code END,
           hubspot_contact_id = CASE WHEN e.remote_id <> '' THEN e.remote_id ELSE c.hubspot_contact_id END,
           hubspot_synced_at = CASE
               WHEN e.ours AND e.final = 'synced' OR e.ours AND e.final = 'unchanged' AND c.hubspot_synced_at IS NULL THEN now()
               ELSE c.hubspot_synced_at END,
           retry_count = CASE
               WHEN e.ours AND e.final = 'retry' THEN greatest(e.tries, least(e.tries + 1, $3::int))
               ELSE c.retry_count END,
           next_retry_at = CASE
               WHEN e.ours AND e.final = 'unspent' AND e.put_off > 0
               THEN clock_timestamp() + make_interval(secs => e.put_off)
               WHEN NOT e.ours OR e.final = 'unspent' THEN c.next_retry_at
               WHEN e.final = 'retry' THEN e.retry_at
               ELSE NULL END,
           last_retry_at = CASE
               WHEN e.ours AND e.final IN ('retry', 'reject', 'exhausted') THEN now()
               ELSE c.last_retry_at END,
           last_failed_crm = CASE
               WHEN e.ours AND e.final IN ('retry', 'reject', 'exhausted') THEN $1
               ELSE c.last_failed_crm END,
           updated_at = CASE
               WHEN e.ours AND e.final IN ('synced', 'unchanged', 'reject', 'exhausted') THEN now()
               ELSE c.updated_at END
      FROM e
     WHERE c.id = e.id
       AND c.id = ANY (ARRAY(SELECT id FROM held))
       AND (e.ours OR e.remote_id <> '')
), freed AS (
    DELETE FROM contactsync.claims x
     WHERE x.contact_id = ANY (ARRAY(SELECT id FROM e WHERE NOT in_doubt)) AND x.destination = $1 AND x.cycle = $2::bigint
), quarantined AS (
    UPDATE contactsync.claims x
       SET until = clock_timestamp() + make_interval(secs => $6::float8)
     WHERE x.contact_id = ANY (ARRAY(SELECT id FROM e WHERE in_doubt)) AND x.destination = $1 AND x.cycle = $2::bigint
), failed AS (
    INSERT INTO contactsync.failures (contact_id, destination, cycle, attempt, code, http_status, message, correlation_id)
    SELECT id, $1, $2::bigint, tries + 1, code, nullif(http_status, 0), left(message, 500), nullif(correlation_id, '')
      FROM e
     WHERE final IN ('retry', 'reject', 'exhausted')
), recorded AS (
    INSERT INTO contactsync.cycles AS y
           (id, destination, instance, slot, started_at, finished_at, claimed, synced, created,
            retried, failed, released, recovered, requests, throttled_ms, skipped, latency)
    SELECT $2::bigint, $1, $7, $8::int, $9::timestamptz, clock_timestamp(), count(*),
           count(*) FILTER (WHERE verdict = 'synced'),
           count(*) FILTER (WHERE verdict = 'synced' AND created),
           count(*) FILTER (WHERE final = 'retry'),
           count(*) FILTER (WHERE final IN ('reject', 'exhausted')),
           count(*) FILTER (WHERE final = 'unspent'),
           count(*) FILTER (WHERE verdict = 'synced' AND tries > 0),
           $10::int, $11::bigint,
           count(*) FILTER (WHERE verdict = 'unchanged'),
           ARRAY[count(*) FILTER (WHERE bucket = 0), count(*) FILTER (WHERE bucket = 1), count(*) FILTER (WHERE bucket = 2),
                 count(*) FILTER (WHERE bucket = 3), count(*) FILTER (WHERE bucket = 4), count(*) FILTER (WHERE bucket = 5),
                 count(*) FILTER (WHERE bucket = 6), count(*) FILTER (WHERE bucket = 7), count(*) FILTER (WHERE bucket = 8),
                 count(*) FILTER (WHERE bucket = 9), count(*) FILTER (WHERE bucket = 10), count(*) FILTER (WHERE bucket = 11),
                 count(*) FILTER (WHERE bucket = 12), count(*) FILTER (WHERE bucket = 13), count(*) FILTER (WHERE bucket = 14),
                 count(*) FILTER (WHERE bucket = 15), count(*) FILTER (WHERE bucket = 16)]
      FROM f
    HAVING count(*) > 0
        ON CONFLICT (id) DO UPDATE
       SET finished_at = excluded.finished_at,
           claimed = y.claimed + excluded.claimed,
           synced = y.synced + excluded.synced,
           created = y.created + excluded.created,
           retried = y.retried + excluded.retried,
           failed = y.failed + excluded.failed,
           released = y.released + excluded.released,
           recovered = y.recovered + excluded.recovered,
           skipped = y.skipped + excluded.skipped,
           latency = ARRAY(SELECT a + b FROM unnest(y.latency, excluded.latency) WITH ORDINALITY AS u (a, b, place) ORDER BY place)
)
SELECT id::text, final, tries::int, coalesce(error, ''), waited FROM e
UNION ALL -- claims that are no longer ours: somebody rescued them
SELECT i.id, 'lost', 0, '', NULL
  FROM unnest($12::text[]) AS i (id)
 WHERE i.id::uuid NOT IN (SELECT id FROM o)
