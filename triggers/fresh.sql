-- An app that asks for a sync gets a fresh budget: no retries spent, no old
-- error, due at once. A next_retry_at that the same statement changes is a
-- schedule and stays. Contactsync's own sessions set contactsync.worker to 'on'
-- and are left alone; so are INSERTs, whose values were all chosen just now.
CREATE OR REPLACE FUNCTION contactsync.contact_fresh() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.retry_count := 0;
    NEW.hubspot_processing_error := NULL;
    NEW.hubspot_error_code := NULL;
    IF NEW.next_retry_at IS NOT DISTINCT FROM OLD.next_retry_at THEN
        NEW.next_retry_at := NULL;
    END IF;
    -- updated_at tells since when the row waits, unless the statement says so
    -- itself. A row that waits already keeps its place: one that is queued again
    -- and again would otherwise stand at the end of a long queue for ever.
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at
       AND (OLD.hubspot_processing_status IS DISTINCT FROM 'Queued' OR OLD.next_retry_at IS NOT NULL) THEN
        IF pg_catalog.pg_typeof(NEW.updated_at) = 1114 THEN -- timestamp without time zone, which holds UTC
            NEW.updated_at := pg_catalog.clock_timestamp() AT TIME ZONE 'UTC';
        ELSE
            NEW.updated_at := pg_catalog.clock_timestamp();
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- BEFORE triggers fire in the order of their names: zz_ lets these see what the
-- app's own triggers made of the row. current_setting is '' and not NULL after
-- a SET LOCAL has ended; IS DISTINCT FROM takes both for "not a worker".
CREATE OR REPLACE TRIGGER zz_contactsync_fresh
    BEFORE UPDATE ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status = 'Queued'
          AND OLD.hubspot_processing_status IS DISTINCT FROM 'Queued'
          AND pg_catalog.current_setting('contactsync.worker', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION contactsync.contact_fresh();

-- Queued to Queued is a new request only where the statement names the column:
-- UPDATE OF looks at the SET list, not at the values.
CREATE OR REPLACE TRIGGER zz_contactsync_fresh_again
    BEFORE UPDATE OF hubspot_processing_status ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status = 'Queued'
          AND OLD.hubspot_processing_status = 'Queued'
          AND pg_catalog.current_setting('contactsync.worker', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION contactsync.contact_fresh();
