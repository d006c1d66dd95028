-- The doorbell: rings only if the consumer sleeps, because transactions that notify
-- commit one at a time in the whole cluster. internal/queue/doorbell.go tells how it
-- works and why no wake-up is lost.
--
-- The comments `-- each destination`, `-- end` and `/* doorbell */` are read by
-- internal/statement: they are part of the code.
--
-- 1668507251 ("csfs") is the lock class of contactsync; the other number is the
-- destination's doorbell, its leader slots are 100+k. The key is constant: on a
-- partition TG_RELID is another. Names are schema-qualified because a SET search_path
-- on the function costs a third more, and this runs once a queued row.
--
-- This is for rows that are inserted; an update rings where it makes the row a
-- fresh request, in requeue.sql: a second function would cost every request more
-- than the doorbell does. It may do so before the row is written, because what
-- counts is the transaction's end.
CREATE OR REPLACE FUNCTION contactsync.contact_doorbell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- each destination
    IF NEW.hubspot_processing_status::text = 'Queued'
       AND pg_catalog.current_setting('contactsync.worker', true) IS DISTINCT FROM 'on'
       AND NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN
        PERFORM pg_catalog.pg_notify('contact_queued', '');
    END IF;
    -- end
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER contactsync_doorbell_insert
    AFTER INSERT ON contacts FOR EACH ROW
    WHEN (
        -- each destination, joined by OR
        NEW.hubspot_processing_status::text = 'Queued'
        -- end
    )
    EXECUTE FUNCTION contactsync.contact_doorbell();
