-- Have every commit that queues a contact notify, as queues do that have no
-- doorbell.
CREATE FUNCTION plain_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('contact_queued', '');
    RETURN NULL;
END $$;
CREATE TRIGGER plain_notify AFTER UPDATE ON contacts FOR EACH ROW
    WHEN (NEW.hubspot_processing_status = 'Queued')
    EXECUTE FUNCTION plain_notify();
