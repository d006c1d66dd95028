-- The doorbell. A transaction that notifies holds a lock of the whole cluster
-- while it commits, so that such transactions commit one at a time; writers
-- must not pay that while the consumer is awake anyway. The consumer holds an
-- advisory lock exclusively while it sleeps. Every writer tries that lock
-- shared, for its transaction and without waiting: got it, the consumer is
-- awake and cannot fall asleep before this transaction ends, after which it
-- sees the row; refused, it sleeps, and a notification wakes it.
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
