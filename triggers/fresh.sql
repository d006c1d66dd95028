-- An app that asks for a sync gets a fresh budget: no retries spent, no old
-- error, due at once. A next_retry_at that the same statement changes is a
-- schedule and stays. INSERTs are left alone, whose values were all chosen just
-- now, and so are contactsync's own sessions, which set contactsync.worker to 'on'
-- (it is '' and not NULL after a SET LOCAL has ended).
CREATE OR REPLACE FUNCTION contactsync.contact_fresh() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Queued to Queued is a new request only where the statement names the column,
    -- which zz_contactsync_fresh_again alone can tell: that is its argument.
    IF OLD.hubspot_processing_status = 'Queued' AND TG_NARGS = 0
       OR pg_catalog.current_setting('contactsync.worker', true) = 'on' THEN
        RETURN NEW;
    END IF;
    NEW.retry_count := 0;
    NEW.hubspot_processing_error := NULL;
    NEW.hubspot_error_code := NULL;
    IF NEW.next_retry_at IS NOT DISTINCT FROM OLD.next_retry_at THEN
        NEW.next_retry_at := NULL;
    END IF;
    -- A row that waits already keeps its place: one that is queued again and again
    -- would otherwise stand at the end of a long queue for ever.
    IF OLD.hubspot_processing_status = 'Queued' AND OLD.next_retry_at IS NULL THEN
        NEW.hubspot_queued_at := OLD.hubspot_queued_at;
        RETURN NEW;
    END IF;
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
    RETURN NEW;
END $$;

-- BEFORE triggers fire in the order of their names: zz_ lets these see what the
-- app's own triggers made of the row. The conditions keep the call from statements
-- that queue nothing, and are as short as can be: the server reads a condition anew
-- for each statement, which costs a single-row update more than to evaluate it.
CREATE OR REPLACE TRIGGER zz_contactsync_fresh
    BEFORE UPDATE ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status = 'Queued')
    EXECUTE FUNCTION contactsync.contact_fresh();

-- UPDATE OF looks at the SET list, not at the values.
CREATE OR REPLACE TRIGGER zz_contactsync_fresh_again
    BEFORE UPDATE OF hubspot_processing_status ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status = 'Queued' AND OLD.hubspot_processing_status = 'Queued')
    EXECUTE FUNCTION contactsync.contact_fresh('named');
