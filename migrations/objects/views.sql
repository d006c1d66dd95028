-- For people with psql: how the queue stands, and what is wrong with whom; one row of
-- status for each destination.
--
-- The functions are written as strings, of which Postgres keeps no dependencies:
-- an app may go on changing the columns of its table. The planner inlines them.

-- A time of the app's table, whose columns without a time zone hold UTC.
CREATE OR REPLACE FUNCTION contactsync.utc(timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE OR REPLACE FUNCTION contactsync.utc(timestamp) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT $1 AT TIME ZONE 'UTC' $$;

-- Now, in the type of a column: a bare column that is compared with it keeps its index.
CREATE OR REPLACE FUNCTION contactsync.present(timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
CREATE OR REPLACE FUNCTION contactsync.present(timestamp) RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT now() AT TIME ZONE 'UTC' $$;

CREATE OR REPLACE FUNCTION contactsync.status_now() RETURNS TABLE (
    queued bigint, due bigint, waiting bigint, processing bigint, in_flight bigint, quarantined bigint, failed bigint,
    oldest_due_seconds double precision, next_due_at timestamptz, leaders text, paused text, destination text)
LANGUAGE sql STABLE AS $$
    -- each destination, joined by UNION ALL
    SELECT fresh.n + ready.n + later.n, fresh.n + ready.n, later.n, processing.n,
           claims.in_flight, claims.quarantined, failed.n,
           extract(epoch FROM now() - least(fresh.since, ready.since))::float8,
           later.next, slots.leaders, slots.paused, 'hubspot'
      FROM (SELECT count(*) AS n, min(c.hubspot_queued_at) AS since FROM contacts c
             WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL) AS fresh,
           (SELECT count(*) AS n, min(contactsync.utc(c.next_retry_at)) AS since FROM contacts c
             WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at <= contactsync.present(c.next_retry_at)) AS ready,
           (SELECT count(*) AS n, min(contactsync.utc(c.next_retry_at)) AS next FROM contacts c
             WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > contactsync.present(c.next_retry_at)) AS later,
           (SELECT count(*) AS n FROM contacts c WHERE c.hubspot_processing_status = 'Processing') AS processing,
           (SELECT count(*) AS n FROM contacts c WHERE c.hubspot_processing_status = 'Error') AS failed,
           (SELECT count(*) FILTER (WHERE x.until IS NULL) AS in_flight,
                   count(*) FILTER (WHERE x.until IS NOT NULL) AS quarantined
              FROM contactsync.claims x WHERE x.destination = 'hubspot') AS claims,
           (SELECT string_agg(s.instance, ', ' ORDER BY s.slot) AS leaders,
                   string_agg(concat_ws(': ', s.pause_code, s.pause_reason), ', ' ORDER BY s.slot)
                       FILTER (WHERE s.pause_code IS NOT NULL) AS paused
              FROM contactsync.slots s
             WHERE s.destination = 'hubspot'
             -- Slot k is led by whoever holds this advisory lock; a row without it was left by a crash.
               AND EXISTS (SELECT FROM pg_locks l
                            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                              AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                              AND l.classid = 1668507251 AND l.objid = (100 /* slot 0 */ + s.slot)::oid)) AS slots
    -- end
$$;

CREATE OR REPLACE FUNCTION contactsync.problems_now() RETURNS TABLE (
    id uuid, email text, status text, code text, error text, retries int, due_at timestamptz, failed_at timestamptz, destination text)
LANGUAGE sql STABLE AS $$
    -- each destination, joined by UNION ALL
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, contactsync.utc(c.next_retry_at), contactsync.utc(c.last_retry_at), 'hubspot'
      FROM contacts c WHERE c.hubspot_processing_status = 'Error'
     UNION ALL
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, contactsync.utc(c.next_retry_at), contactsync.utc(c.last_retry_at), 'hubspot'
      FROM contacts c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NOT NULL AND c.hubspot_error_code IS NOT NULL
     UNION ALL
    SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
           c.retry_count::int, contactsync.utc(c.next_retry_at), contactsync.utc(c.last_retry_at), 'hubspot'
      FROM contacts c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL AND c.hubspot_error_code IS NOT NULL
    -- end
$$;

CREATE OR REPLACE VIEW contactsync.status AS
SELECT now.queued, now.due, now.waiting, now.processing, now.in_flight, now.quarantined, now.failed,
       now.oldest_due_seconds, now.next_due_at AS "next_retry_at", now.leaders, now.paused,
       (SELECT string_agg(concat(h.who, ' since ', date_trunc('second', h.since), ': ' || nullif(h.reason, '')), ', ')
          FROM contactsync.holds h WHERE h.destination = now.destination) AS held,
       -- A process writes itself down every 15 s.
       (SELECT string_agg(concat_ws(' ', r.instance, r.role, r.version), ', ' ORDER BY r.role DESC, r.started_at, r.instance)
          FROM contactsync.replicas r WHERE r.seen_at > now() - interval '45 s') AS replicas,
       now.destination
  FROM contactsync.status_now() AS now;

CREATE OR REPLACE VIEW contactsync.problems AS
SELECT p.id, p.email, p.status, p.code, p.error, p.retries AS "retry_count", p.due_at AS "next_retry_at",
       p.failed_at AS "last_retry_at", p.destination
  FROM contactsync.problems_now() AS p;
