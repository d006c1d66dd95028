-- For people with psql: how the queue stands, and what is wrong with whom.
-- The functions are written as strings, of which Postgres keeps no dependencies:
-- an app may go on changing the columns of its table. The planner inlines them.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- +goose StatementBegin
DO $$
DECLARE
    contacts text;
    -- Columns without a time zone hold UTC.
    updated_at    text := 'c.updated_at';
    next_retry_at text := 'c.next_retry_at';
    last_retry_at text := 'c.last_retry_at';
    present       text := 'now()';   -- the time as next_retry_at has it: comparing the bare column keeps its index
    naive         name[];
BEGIN
    SELECT i.name INTO STRICT contacts FROM contactsync.installed i WHERE i.kind = 'contacts';
    SELECT coalesce(array_agg(a.attname), '{}') INTO naive
      FROM pg_attribute a WHERE a.attrelid = contacts::regclass AND NOT a.attisdropped AND a.atttypid = 'timestamp'::regtype;
    IF 'updated_at' = ANY (naive) THEN updated_at := '(c.updated_at AT TIME ZONE ''UTC'')'; END IF;
    IF 'last_retry_at' = ANY (naive) THEN last_retry_at := '(c.last_retry_at AT TIME ZONE ''UTC'')'; END IF;
    IF 'next_retry_at' = ANY (naive) THEN
        next_retry_at := '(c.next_retry_at AT TIME ZONE ''UTC'')';
        present := '(now() AT TIME ZONE ''UTC'')';
    END IF;

    EXECUTE format($make$
        CREATE FUNCTION contactsync.status_now() RETURNS TABLE (
            queued bigint, due bigint, waiting bigint, processing bigint, in_flight bigint, quarantined bigint, failed bigint,
            oldest_due_seconds double precision, next_retry_at timestamptz, leaders text, paused text)
        LANGUAGE sql STABLE AS $body$
            SELECT fresh.n + ready.n + later.n, fresh.n + ready.n, later.n, processing.n,
                   claims.in_flight, claims.quarantined, failed.n,
                   extract(epoch FROM now() - least(fresh.since, ready.since))::float8,
                   later.next, slots.leaders, slots.paused
              FROM (SELECT count(*) AS n, min(%2$s) AS since FROM %1$s c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL) AS fresh,
                   (SELECT count(*) AS n, min(%3$s) AS since FROM %1$s c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at <= %4$s) AS ready,
                   (SELECT count(*) AS n, min(%3$s) AS next FROM %1$s c
                     WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at > %4$s) AS later,
                   (SELECT count(*) AS n FROM %1$s c WHERE c.hubspot_processing_status = 'Processing') AS processing,
                   (SELECT count(*) AS n FROM %1$s c WHERE c.hubspot_processing_status = 'Error') AS failed,
                   (SELECT count(*) FILTER (WHERE x.until IS NULL) AS in_flight,
                           count(*) FILTER (WHERE x.until IS NOT NULL) AS quarantined FROM contactsync.claims x) AS claims,
                   (SELECT string_agg(s.instance, ', ' ORDER BY s.slot) AS leaders,
                           string_agg(concat_ws(': ', s.pause_code, s.pause_reason), ', ' ORDER BY s.slot)
                               FILTER (WHERE s.pause_code IS NOT NULL) AS paused
                      FROM contactsync.slots s
                     -- Slot k is led by whoever holds this advisory lock; a row without it was left by a crash.
                     WHERE EXISTS (SELECT FROM pg_locks l
                                    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                                      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                                      AND l.classid = 1668507251 AND l.objid = (100 + s.slot)::oid)) AS slots
        $body$ $make$, contacts, updated_at, next_retry_at, present);

    EXECUTE format($make$
        CREATE FUNCTION contactsync.problems_now() RETURNS TABLE (
            id uuid, email text, status text, code text, error text, retry_count int, next_retry_at timestamptz, last_retry_at timestamptz)
        LANGUAGE sql STABLE AS $body$
            SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
                   c.retry_count::int, %2$s::timestamptz, %3$s::timestamptz
              FROM %1$s c WHERE c.hubspot_processing_status = 'Error'
             UNION ALL
            SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
                   c.retry_count::int, %2$s::timestamptz, %3$s::timestamptz
              FROM %1$s c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NOT NULL AND c.hubspot_error_code IS NOT NULL
             UNION ALL
            SELECT c.id, c.email::text, c.hubspot_processing_status::text, c.hubspot_error_code::text, c.hubspot_processing_error::text,
                   c.retry_count::int, %2$s::timestamptz, %3$s::timestamptz
              FROM %1$s c WHERE c.hubspot_processing_status = 'Queued' AND c.next_retry_at IS NULL AND c.hubspot_error_code IS NOT NULL
        $body$ $make$, contacts, next_retry_at, last_retry_at);
END
$$;
-- +goose StatementEnd

CREATE VIEW contactsync.status AS SELECT * FROM contactsync.status_now();
CREATE VIEW contactsync.problems AS SELECT * FROM contactsync.problems_now();

-- +goose Down
SET LOCAL lock_timeout = '3s';
DROP VIEW contactsync.problems;
DROP VIEW contactsync.status;
DROP FUNCTION contactsync.problems_now();
DROP FUNCTION contactsync.status_now();
