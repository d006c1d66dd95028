-- An app that asks for a sync gets a fresh budget: no retries spent, no old
-- error, due at once; and the consumer is rung for. A next_retry_at that the same
-- statement changes is a schedule and stays. INSERTs are left alone, whose values
-- were all chosen just now, and so are contactsync's own sessions, which set
-- contactsync.worker to 'on'.
--
-- The comments `-- each destination`, `-- end` and `/* doorbell */` are read by
-- internal/statement: they are part of the code.
--
-- The app's statement never fails because of this: an app may drop, rename or alter any
-- column here, and its long-lived sessions keep plans for the old types until the
-- function is replaced (so `migrate up` replaces it when a type changed). Then the work
-- is given up where it stands, and only the doorbell is still tried, so that what counts
-- most comes first. Each destination is on its own in that. The block is a
-- subtransaction: a doorbell that it took is the transaction's when it ends well, and
-- given back when it fails, which is why the handler tries anew. What the transaction as
-- a whole has to learn of, a serialization failure, passes; no statement here reads a
-- table or waits, so that none should ever come.
--
-- What a single-row update pays for here: each expression, each trigger, each block, and
-- the length of each condition, which the server reads anew for each statement. So one
-- function does it all, for all destinations; one expression finds that there is
-- nothing to do for one of them, another whether anything is to be reset; and the
-- conditions are no more than it takes to spare most statements the call. Of the
-- columns they pin the type of one a destination, its status: only UPDATE OF tells
-- that a SET list names it.
--
-- Why names and operators are qualified: doorbell.sql. coalesce(a = b, a IS NULL AND
-- b IS NULL) is a IS NOT DISTINCT FROM b.
CREATE OR REPLACE FUNCTION contactsync.contact_requeue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('contactsync.worker', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NEW;
    END IF;
    -- each destination
    -- A row that was Queued already is a new request only if the SET list names the
    -- status. Only zz_contactsync_requeue_named sees that: it passes the destination's
    -- name. It also fires for other unchanged statuses, hence the test for Queued.
    -- Without the name, a changed next_retry_at is a reason to ring, because it may be
    -- sooner than the consumer thinks, but no new request.
    BEGIN
        IF NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued'
           AND (CASE WHEN TG_ARGV[0] IS NULL
                     THEN coalesce(OLD.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.<>) 'Queued', true)
                          OR NOT coalesce(NEW.next_retry_at OPERATOR(pg_catalog.=) OLD.next_retry_at, NEW.next_retry_at IS NULL AND OLD.next_retry_at IS NULL)
                     ELSE TG_ARGV[0] OPERATOR(pg_catalog.=) 'hubspot' END) THEN
            IF TG_ARGV[0] IS NOT NULL OR coalesce(OLD.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.<>) 'Queued', true) THEN
                IF NEW.next_retry_at IS NOT NULL OR NEW.hubspot_processing_error IS NOT NULL OR NEW.hubspot_error_code IS NOT NULL
                   OR coalesce(NEW.retry_count OPERATOR(pg_catalog.<>) 0, true) THEN
                    NEW.retry_count := 0;
                    NEW.hubspot_processing_error := NULL;
                    NEW.hubspot_error_code := NULL;
                    IF NEW.next_retry_at OPERATOR(pg_catalog.=) OLD.next_retry_at THEN
                        NEW.next_retry_at := NULL;
                    END IF;
                END IF;
                IF OLD.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued' AND OLD.next_retry_at IS NULL THEN
                    -- It keeps its place: one that is queued again and again would otherwise
                    -- stand at the end of a long queue for ever.
                    NEW.hubspot_queued_at := OLD.hubspot_queued_at;
                ELSE
                    NEW.hubspot_queued_at := pg_catalog.clock_timestamp();
                    -- Of two rows of one email the later one wins, also where the app leaves
                    -- updated_at alone.
                    IF coalesce(NEW.updated_at OPERATOR(pg_catalog.=) OLD.updated_at, NEW.updated_at IS NULL AND OLD.updated_at IS NULL) THEN
                        IF pg_catalog.pg_typeof(NEW.updated_at) OPERATOR(pg_catalog.=) 1114 THEN -- timestamp without time zone, which holds UTC
                            NEW.updated_at := pg_catalog.clock_timestamp() AT TIME ZONE 'UTC';
                        ELSE
                            NEW.updated_at := pg_catalog.clock_timestamp();
                        END IF;
                    END IF;
                END IF;
            END IF;
            IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN -- see doorbell.sql
                PERFORM pg_catalog.pg_notify('contact_queued', '');
            END IF;
        END IF;
    EXCEPTION
        WHEN serialization_failure OR deadlock_detected THEN
            RAISE;
        WHEN OTHERS THEN
            BEGIN
                IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN
                    PERFORM pg_catalog.pg_notify('contact_queued', '');
                END IF;
            EXCEPTION WHEN OTHERS THEN
                NULL; -- the tick finds the row
            END;
    END;
    -- end
    RETURN NEW;
END $$;

-- BEFORE triggers fire in the order of their names: zz_ lets these see what the
-- app's own triggers made of the row.
CREATE OR REPLACE TRIGGER zz_contactsync_requeue
    BEFORE UPDATE ON contacts FOR EACH ROW
    WHEN (
        -- each destination, joined by OR
        NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued'
        -- end
    )
    EXECUTE FUNCTION contactsync.contact_requeue();

COMMENT ON TRIGGER zz_contactsync_requeue ON contacts IS
    'contactsync: a fresh request. To alter the type of a column that this trigger depends on: contactsync migrate detach, then the change, then contactsync migrate attach';

-- UPDATE OF looks at the SET list, not at the values. This condition is the shorter
-- one; the function asks for Queued.
-- each destination
CREATE OR REPLACE TRIGGER zz_contactsync_requeue_named
    BEFORE UPDATE OF hubspot_processing_status ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) OLD.hubspot_processing_status::pg_catalog.text)
    EXECUTE FUNCTION contactsync.contact_requeue('hubspot');

COMMENT ON TRIGGER zz_contactsync_requeue_named ON contacts IS
    'contactsync: a row that is queued again. To alter the type of a column that this trigger depends on: contactsync migrate detach, then the change, then contactsync migrate attach';
-- end
