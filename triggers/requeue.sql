-- An app that asks for a sync gets a fresh budget: no retries spent, no old
-- error, due at once; and the consumer is rung for. A next_retry_at that the same
-- statement changes is a schedule and stays. INSERTs are left alone, whose values
-- were all chosen just now, and so are contactsync's own sessions, which set
-- contactsync.worker to 'on' (it is '' and not NULL after a SET LOCAL has ended).
--
-- The comments `-- each destination`, `-- end` and `/* doorbell */` are read by
-- internal/statement: they are part of the code.
--
-- What a single-row update pays for here: each expression, each trigger, and the
-- length of each condition, which the server reads anew for each statement. So one
-- function does it all, for all destinations; one expression finds that there is
-- nothing to do for one of them, another whether anything is to be reset; and the
-- conditions are no more than it takes to spare most statements the call.
CREATE OR REPLACE FUNCTION contactsync.contact_requeue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- each destination
    -- A row that was Queued already is a new request only if the SET list names the
    -- status. Only zz_contactsync_requeue_named sees that. It passes the destination's
    -- name, so TG_NARGS > 0 means "named". It also fires for other unchanged statuses,
    -- hence the test for Queued. Without the name, a changed next_retry_at is a reason to
    -- ring, because it may be sooner than the consumer thinks, but no new request.
    IF NEW.hubspot_processing_status::text = 'Queued'
       AND (CASE WHEN TG_NARGS = 0
                 THEN OLD.hubspot_processing_status::text IS DISTINCT FROM 'Queued'
                      OR NEW.next_retry_at IS DISTINCT FROM OLD.next_retry_at
                 ELSE TG_ARGV[0] = 'hubspot' END)
       AND pg_catalog.current_setting('contactsync.worker', true) IS DISTINCT FROM 'on' THEN
        IF TG_NARGS > 0 OR OLD.hubspot_processing_status::text IS DISTINCT FROM 'Queued' THEN
            IF OLD.hubspot_processing_status::text = 'Queued' AND OLD.next_retry_at IS NULL THEN
                -- It keeps its place: one that is queued again and again would otherwise
                -- stand at the end of a long queue for ever.
                NEW.hubspot_queued_at := OLD.hubspot_queued_at;
            ELSE
                NEW.hubspot_queued_at := pg_catalog.clock_timestamp();
                -- Of two rows of one email the later one wins, also where the app leaves
                -- updated_at alone.
                IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
                    IF pg_catalog.pg_typeof(NEW.updated_at) = 1114 THEN -- timestamp without time zone, which holds UTC
                        NEW.updated_at := pg_catalog.clock_timestamp() AT TIME ZONE 'UTC';
                    ELSE
                        NEW.updated_at := pg_catalog.clock_timestamp();
                    END IF;
                END IF;
            END IF;
            IF NEW.retry_count IS DISTINCT FROM 0 OR NEW.next_retry_at IS NOT NULL
               OR NEW.hubspot_processing_error IS NOT NULL OR NEW.hubspot_error_code IS NOT NULL THEN
                NEW.retry_count := 0;
                NEW.hubspot_processing_error := NULL;
                NEW.hubspot_error_code := NULL;
                IF NEW.next_retry_at IS NOT DISTINCT FROM OLD.next_retry_at THEN
                    NEW.next_retry_at := NULL;
                END IF;
            END IF;
        END IF;
        IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN -- see doorbell.sql
            PERFORM pg_catalog.pg_notify('contact_queued', '');
        END IF;
    END IF;
    -- end
    RETURN NEW;
END $$;

-- BEFORE triggers fire in the order of their names: zz_ lets these see what the
-- app's own triggers made of the row.
CREATE OR REPLACE TRIGGER zz_contactsync_requeue
    BEFORE UPDATE ON contacts FOR EACH ROW
    WHEN (
        -- each destination, joined by OR
        NEW.hubspot_processing_status::text = 'Queued'
        -- end
    )
    EXECUTE FUNCTION contactsync.contact_requeue();

-- UPDATE OF looks at the SET list, not at the values. This condition is the shorter
-- one; the function asks for Queued.
-- each destination
CREATE OR REPLACE TRIGGER zz_contactsync_requeue_named
    BEFORE UPDATE OF hubspot_processing_status ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status::text = OLD.hubspot_processing_status::text)
    EXECUTE FUNCTION contactsync.contact_requeue('hubspot');
-- end
