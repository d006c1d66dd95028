-- How the queue stands, and what is wrong with whom. Everybody asks here: status,
-- the dashboard, metrics, alerts, doctor, and people with psql.
--
-- The functions are written as strings, of which Postgres keeps no dependencies: an
-- app may go on changing the columns of its table. Nothing is dropped, so that rights
-- and what others built on the views stay; who changes the columns of a function
-- or a view has to drop it first.

-- each destination
-- How the queue stands now. Counts end at the bound, and cost no more than that;
-- NULL counts all. Each part reads one partial index of the queue, and rows at rest
-- are in none of them. Times that are no times, such as infinity, are left out: they
-- mean "never", and clients cannot read them.
--
-- The time zone is set because a column without one holds UTC; that keeps the
-- comparison with the bare column, and with it its index.
CREATE OR REPLACE FUNCTION contactsync.hubspot_queue_state(bound bigint DEFAULT NULL) RETURNS TABLE (
    fresh              bigint,           -- due at once, never to be waited for
    due                bigint,           -- these and the retries whose time has come
    waiting            bigint,           -- for their time
    processing         bigint,
    failed             bigint,           -- in Error
    in_flight          bigint,           -- claimed, and a request is under way
    quarantined        bigint,           -- unanswered: not to be sent again yet
    oldest_due_seconds double precision, -- NULL when nothing is due
    next_due_at        timestamptz)      -- of what is waiting
LANGUAGE sql STABLE SET timezone = 'UTC' AS $body$
    SELECT fresh.n, fresh.n + ready.n, later.n, working.n, failed.n, claims.in_flight, claims.quarantined,
           (SELECT greatest(0, extract(epoch FROM now() - oldest.at))
              FROM (SELECT least(fresh.since, ready.since) AS at) AS oldest
             WHERE oldest.at IS NOT NULL)::float8,
           later.next
      FROM (SELECT (SELECT count(*) FROM (SELECT FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL LIMIT bound) AS x) AS n,
                   (SELECT min(c.hubspot_queued_at)::timestamptz FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL
                       AND c.hubspot_queued_at > '-infinity' AND c.hubspot_queued_at < 'infinity') AS since) AS fresh,
           (SELECT (SELECT count(*) FROM (SELECT FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at <= now() LIMIT bound) AS x) AS n,
                   (SELECT min(c.next_retry_at)::timestamptz FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at <= now()
                       AND c.next_retry_at > '-infinity') AS since) AS ready,
           (SELECT (SELECT count(*) FROM (SELECT FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > now() LIMIT bound) AS x) AS n,
                   (SELECT min(c.next_retry_at)::timestamptz FROM contacts c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > now()
                       AND c.next_retry_at < 'infinity') AS next) AS later,
           (SELECT count(*) AS n FROM (SELECT FROM contacts c
             WHERE c.hubspot_processing_status = 'Processing' LIMIT bound) AS x) AS working,
           (SELECT count(*) AS n FROM (SELECT FROM contacts c
             WHERE c.hubspot_processing_status = 'Error' LIMIT bound) AS x) AS failed,
           (SELECT count(*) FILTER (WHERE x.until IS NULL) AS in_flight,
                   count(*) FILTER (WHERE x.until IS NOT NULL AND x.refusal IS NULL) AS quarantined
              FROM contactsync.claims x WHERE x.destination = 'hubspot') AS claims
$body$;

-- Who failed, and why: in Error, or to be tried again. The planner inlines it, so that
-- a condition on the view finds its index: so nothing is set here, and a time comes by
-- way of its seconds, which a column without a time zone gives in UTC as well.
CREATE OR REPLACE FUNCTION contactsync.hubspot_problems() RETURNS TABLE (
    id uuid, email text, status text, code text, error text, tries int, due_at timestamptz, tried_at timestamptz)
LANGUAGE sql STABLE AS $body$
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, to_timestamp(extract(epoch FROM c.next_retry_at)), to_timestamp(extract(epoch FROM c.last_retry_at))
      FROM contacts c WHERE c.hubspot_processing_status = 'Error'
     UNION ALL
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, to_timestamp(extract(epoch FROM c.next_retry_at)), to_timestamp(extract(epoch FROM c.last_retry_at))
      FROM contacts c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NOT NULL AND c.hubspot_error_code IS NOT NULL
     UNION ALL
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, to_timestamp(extract(epoch FROM c.next_retry_at)), to_timestamp(extract(epoch FROM c.last_retry_at))
      FROM contacts c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL AND c.hubspot_error_code IS NOT NULL
$body$;
-- end

-- A row for each destination.
CREATE OR REPLACE VIEW contactsync.status AS
WITH state (destination, slot_0, fresh, due, waiting, processing, failed, in_flight, quarantined, oldest_due_seconds, next_due_at) AS (
    SELECT '', 0, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::float8, now() WHERE false
    -- each destination
    UNION ALL SELECT 'hubspot', 100 /* slot 0 */, s.* FROM contactsync.hubspot_queue_state(NULL) AS s
    -- end
)
SELECT state.destination,
       state.due + state.waiting AS queued, state.due, state.waiting, state.processing, state.in_flight, state.quarantined, state.failed,
       state.oldest_due_seconds, state.next_due_at AS next_retry_at,
       slots.leaders, slots.paused,
       (SELECT concat(h.who, ' since ', date_trunc('second', h.since), ': ' || nullif(h.reason, ''))
          FROM contactsync.holds h WHERE h.destination = state.destination) AS held,
       -- A process writes itself down every 15 s.
       (SELECT string_agg(concat_ws(' ', r.instance, r.role, r.version), ', ' ORDER BY r.role DESC, r.started_at, r.instance)
          FROM contactsync.replicas r WHERE r.destination = state.destination AND r.seen_at > now() - interval '45 s') AS replicas,
       -- From whoever looks here, whose counts above then mean nothing, and from who leads.
       (SELECT string_agg(format('row security %s of %s from role %s',
                                 CASE WHEN h.every_row THEN 'hides every row' ELSE 'may hide rows' END, h.relation, h.role), '; ')
          FROM contactsync.row_security() AS h) AS hidden
  FROM state,
       LATERAL (SELECT string_agg(s.instance, ', ' ORDER BY s.slot) AS leaders,
                       string_agg(concat_ws(': ', s.pause_code, s.pause_reason), ', ' ORDER BY s.slot)
                           FILTER (WHERE s.pause_code IS NOT NULL) AS paused
                  FROM contactsync.slots s
                 WHERE s.destination = state.destination
                   -- A slot is led by whoever holds its advisory lock; a row without it was left by a crash.
                   AND EXISTS (SELECT FROM pg_locks l
                                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                                  AND l.classid = 1668507251 AND l.objid = (state.slot_0 + s.slot)::oid)) AS slots;

-- A row for each contact in Error and each that failed and waits, by destination.
CREATE OR REPLACE VIEW contactsync.problems AS
SELECT '' AS destination, NULL::uuid AS id, '' AS email, '' AS status, '' AS code, '' AS error,
       0 AS retry_count, now() AS next_retry_at, now() AS last_retry_at WHERE false
-- each destination
UNION ALL SELECT 'hubspot', p.* FROM contactsync.hubspot_problems() AS p
-- end
;
