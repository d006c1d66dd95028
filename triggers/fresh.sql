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
