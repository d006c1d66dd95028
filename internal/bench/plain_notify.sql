-- Have every commit that queues a contact notify, as queues do that have no
-- doorbell.
CREATE OR REPLACE FUNCTION contactsync.contact_bell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('contact_queued', '');
    RETURN NULL;
END $$;
