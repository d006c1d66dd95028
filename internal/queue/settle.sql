-- What became of a batch.

-- name: settle
-- Settle the outcomes of one cycle: one statement for all of them. The outcomes are
-- one array each, a place a contact; @versions is of what was sent, @put_off for how
-- many seconds an unspent row is put off. @exponential says whether the @retry_delay
-- doubles; @timeout is how many seconds a contact in doubt stays claimed, @doubt how long
-- its request may land late; @leads says that the slot is a leader's and not a command's.
-- A row is written only while our claim of this cycle stands, and its status
-- only while it still is Processing: whatever the app made of it stays. A row
-- that is Processing but holds other values than were sent was touched meanwhile,
-- perhaps queued again and then overwritten by a save of the whole row: it goes
-- back to the queue rather than to rest. Rows that somebody holds locked are passed
-- over and not returned; the caller settles them later. Rows that a trigger of the
-- app's skips are returned as vetoed, and are settled later as well.
WITH outcomes AS MATERIALIZED (
    -- What was sent and is still ours. The coalesce keeps the planner from expecting hardly a row.
    SELECT *
      FROM unnest(@ids::text[]::uuid[], @verdicts::text[], @remote_ids::text[], @created::bool[], @codes::text[],
                  @messages::text[], @statuses::int[], @correlation_ids::text[], @in_doubt::bool[], @forgiving::bool[], @put_off::float8[], @versions::text[])
        AS o (id, verdict, remote_id, created, code, message, http_status, correlation_id, in_doubt, forgiving, put_off, version) -- version: of what was sent
     WHERE coalesce((SELECT x.cycle FROM contactsync.claims x WHERE x.contact_id = o.id AND x.destination = @destination) = @cycle::bigint, false)
), locked AS MATERIALIZED (
    -- Their rows as they are now. Row by row on purpose: each is locked, or passed over, by itself.
    SELECT o.*, r.ours, r.version AS found_version, r.tries, r.queued, r.since
      FROM outcomes o, LATERAL (
        SELECT coalesce(c.hubspot_processing_status = 'Processing', false) AS ours,
               {{version}} AS version,
               least(greatest(coalesce(c.retry_count, 0), 0), 1000000)::int AS tries,
               c.hubspot_queued_at AS queued,
               -- Since when it waits; a contact that was scheduled, since then.
               CASE WHEN isfinite(c.hubspot_queued_at) AND isfinite(coalesce(c.next_retry_at, c.hubspot_queued_at))
                    THEN greatest(c.hubspot_queued_at, c.next_retry_at) END AS since
          FROM contacts c
         WHERE c.id = o.id
           FOR NO KEY UPDATE OF c SKIP LOCKED) r
), found AS MATERIALIZED (
    -- And those that the app deleted while they were in flight.
    SELECT * FROM locked
    UNION ALL
    SELECT o.*, false, o.version, 0, NULL, NULL FROM outcomes o
     WHERE o.id NOT IN (SELECT id FROM locked) AND (SELECT c.id FROM contacts c WHERE c.id = o.id) IS NULL
), decided AS MATERIALIZED (
    -- What becomes of the row: the verdict, unless the row was touched or has no attempts left.
    SELECT found.*,
           CASE WHEN ours AND found_version <> version AND verdict IN ('synced', 'unchanged', 'reject') THEN 'touched'
                WHEN verdict = 'retry' AND NOT forgiving AND tries >= @max_retries::int
                THEN CASE WHEN ours AND found_version <> version THEN 'touched' ELSE 'exhausted' END
                ELSE verdict END AS final
      FROM found
), worded AS MATERIALIZED (
    -- The error for people, when the row is tried again, and how long it waited from queued to synced.
    SELECT decided.*,
           left(CASE WHEN final = 'exhausted'
                     THEN format('Max retries exceeded (%s). Last error: %s', @max_retries::int, message)
                     ELSE message END, 500) AS error,
           clock_timestamp() + make_interval(secs => least( -- a week at most
               @retry_delay::float8 * CASE WHEN @exponential::bool THEN 2 ^ least(tries, 30) ELSE tries + 1 END
                          * (0.9 + 0.2 * random()), 604800)) AS retry_at,
           -- What a command syncs may never have been queued.
           CASE WHEN ours AND final = 'synced' AND tries = 0 AND since < clock_timestamp() AND @leads::bool
                THEN extract(epoch FROM clock_timestamp() - since)::float8 END AS waited
      FROM decided
), timed AS MATERIALIZED (
    -- The bucket of the histogram that the wait falls into.
    SELECT worded.*, width_bucket(waited, @bounds::float8[]) AS bucket FROM worded
), written AS (
    UPDATE contacts c
       SET hubspot_processing_status = CASE
               WHEN NOT w.ours THEN c.hubspot_processing_status
               WHEN w.final IN ('synced', 'unchanged') THEN 'Complete'
               WHEN w.final IN ('reject', 'exhausted') THEN 'Error'
               ELSE 'Queued' END,
           hubspot_sync_status = CASE
               WHEN NOT w.ours THEN c.hubspot_sync_status
               WHEN w.final IN ('synced', 'unchanged') THEN 'Complete'
               WHEN w.final IN ('reject', 'exhausted') THEN 'Error'
               ELSE 'Queued' END,
           hubspot_processing_error = CASE
               WHEN NOT w.ours OR w.final = 'unspent' THEN c.hubspot_processing_error
               WHEN w.final = 'synced' AND w.code <> '' THEN w.error -- what had to be left out
               WHEN w.final IN ('synced', 'unchanged', 'touched') THEN NULL
               ELSE w.error END,
           hubspot_error_code = CASE
               WHEN NOT w.ours OR w.final = 'unspent' THEN c.hubspot_error_code
               WHEN w.final = 'synced' AND w.code <> '' THEN w.code
               WHEN w.final IN ('synced', 'unchanged', 'touched') THEN NULL
               ELSE w.code END,
           hubspot_contact_id = CASE WHEN w.remote_id <> '' THEN w.remote_id ELSE c.hubspot_contact_id END,
           hubspot_synced_at = CASE
               WHEN w.ours AND w.final = 'synced' OR w.ours AND w.final = 'unchanged' AND c.hubspot_synced_at IS NULL THEN now()
               ELSE c.hubspot_synced_at END,
           hubspot_queued_at = CASE -- the app asks anew, as it were: what is sent next is no double of this
               WHEN w.ours AND w.final = 'touched' THEN clock_timestamp()
               ELSE c.hubspot_queued_at END,
           retry_count = CASE
               WHEN w.ours AND w.final = 'retry' THEN greatest(w.tries, least(w.tries + 1, @max_retries::int))
               ELSE c.retry_count END,
           next_retry_at = CASE
               WHEN w.ours AND w.final = 'unspent' AND w.put_off > 0
               THEN clock_timestamp() + make_interval(secs => w.put_off)
               WHEN NOT w.ours OR w.final = 'unspent' THEN c.next_retry_at
               WHEN w.final = 'retry' THEN w.retry_at
               ELSE NULL END,
           last_retry_at = CASE
               WHEN w.ours AND w.final IN ('retry', 'reject', 'exhausted') THEN now()
               ELSE c.last_retry_at END,
           last_failed_crm = CASE
               WHEN w.ours AND w.final IN ('retry', 'reject', 'exhausted') THEN @destination
               ELSE c.last_failed_crm END,
           updated_at = CASE
               WHEN w.ours AND w.final IN ('synced', 'unchanged', 'reject', 'exhausted') THEN now()
               ELSE c.updated_at END
      FROM worded w
     WHERE c.id = w.id
       AND c.id = ANY (ARRAY(SELECT id FROM locked))
       AND (w.ours OR w.remote_id <> '')
 RETURNING c.id AS id
), ended AS MATERIALIZED (
    -- Vetoed: a trigger of the app's has skipped the row. Its claim stays, to be settled again.
    SELECT timed.*,
           written.id IS NULL AND (timed.ours OR timed.remote_id <> '') AND timed.id = ANY (ARRAY(SELECT id FROM locked)) AS vetoed
      FROM timed
      LEFT JOIN written ON written.id = timed.id
), freed AS (
    DELETE FROM contactsync.claims x
     WHERE x.contact_id = ANY (ARRAY(SELECT id FROM ended WHERE NOT in_doubt AND NOT vetoed)) AND x.destination = @destination AND x.cycle = @cycle::bigint
 RETURNING x.contact_id, x.key
), quarantined AS (
    UPDATE contactsync.claims x
       SET until = clock_timestamp() + make_interval(secs => @timeout::float8)
     WHERE x.contact_id = ANY (ARRAY(SELECT id FROM ended WHERE in_doubt AND NOT vetoed)) AND x.destination = @destination AND x.cycle = @cycle::bigint
 RETURNING x.contact_id, x.key
), older AS (
    -- What may come to the destination after something newer: a request that lands late,
    -- or a row whose next try is later.
    INSERT INTO contactsync.doubts AS d (destination, key, until, retry_at, rows, versions)
    SELECT @destination, k.key,
           max(CASE WHEN w.in_doubt THEN clock_timestamp() + make_interval(secs => @doubt::float8) END),
           max(CASE WHEN w.final = 'retry' THEN w.retry_at END),
           array_agg(w.id::text),
           array_agg(w.version ORDER BY w.version)
      FROM (SELECT * FROM freed UNION ALL SELECT * FROM quarantined) k JOIN worded w ON w.id = k.contact_id
     WHERE k.key IS NOT NULL AND (w.in_doubt OR w.final = 'retry')
     GROUP BY k.key
        ON CONFLICT (destination, key) DO UPDATE
       SET until = greatest(d.until, excluded.until),
           retry_at = greatest(d.retry_at, excluded.retry_at),
           rows = excluded.rows || CASE WHEN d.rows = excluded.rows OR d.retry_at IS NULL OR d.retry_at <= clock_timestamp() THEN '{}' ELSE d.rows END,
           versions = CASE WHEN d.versions = excluded.versions THEN d.versions ELSE '{}' END
), newer AS (
    -- What the destination has taken while such a thing was still to come: it is the
    -- newest that was asked for, or no reason to change what is.
    UPDATE contactsync.doubts d
       SET newer = CASE WHEN d.cycle = @cycle::bigint THEN d.newer || s.ids ELSE s.ids END,
           cycle = @cycle::bigint,
           asked = s.asked
      FROM (SELECT f.key, array_agg(w.id::text) AS ids, array_agg(w.version ORDER BY w.version) AS versions, max(w.queued) AS asked
              FROM freed f JOIN worded w ON w.id = f.contact_id
             WHERE w.verdict = 'synced'
             GROUP BY f.key) s
     WHERE d.destination = @destination
       AND d.key = ANY (ARRAY(SELECT key FROM freed))
       AND d.key = s.key
       AND greatest(d.until, d.retry_at) > @claimed_at::timestamptz
       AND d.versions <> s.versions -- else the same was sent again
       AND coalesce(s.asked >= d.asked, true)
), failed AS (
    INSERT INTO contactsync.failures (contact_id, destination, cycle, attempt, code, http_status, message, correlation_id)
    SELECT id, @destination, @cycle::bigint, tries + 1, code, nullif(http_status, 0), left(message, 500), nullif(correlation_id, '')
      FROM ended
     WHERE final IN ('retry', 'reject', 'exhausted') AND NOT vetoed
), recorded AS (
    INSERT INTO contactsync.cycles AS y
           (id, destination, instance, slot, started_at, finished_at, claimed, synced, created,
            retried, failed, released, recovered, requests, throttled_ms, skipped, latency)
    SELECT @cycle::bigint, @destination, @instance, @slot::int, @claimed_at::timestamptz, clock_timestamp(), count(*),
           count(*) FILTER (WHERE verdict = 'synced'),
           count(*) FILTER (WHERE verdict = 'synced' AND created),
           count(*) FILTER (WHERE final = 'retry'),
           count(*) FILTER (WHERE final IN ('reject', 'exhausted')),
           count(*) FILTER (WHERE final = 'unspent'),
           count(*) FILTER (WHERE verdict = 'synced' AND tries > 0),
           @requests::int, @throttled_ms::bigint,
           count(*) FILTER (WHERE verdict = 'unchanged'),
           ARRAY[{{latency_counts}}]
      FROM ended
     WHERE NOT vetoed
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
SELECT id::text, CASE WHEN vetoed THEN 'vetoed' ELSE final END, tries::int, coalesce(error, ''), waited FROM ended
UNION ALL -- claims that are no longer ours: somebody rescued them
SELECT i.id, 'lost', 0, '', NULL
  FROM unnest(@ids::text[]) AS i (id)
 WHERE i.id::uuid NOT IN (SELECT id FROM outcomes)
