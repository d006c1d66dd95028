-- The doorbell: rings only if the consumer sleeps, because transactions that notify
-- commit one at a time in the whole cluster. internal/queue/doorbell.go tells how it
-- works and why no wake-up is lost.
--
-- The comments `-- each destination`, `-- end` and `/* doorbell */` are read by
-- internal/statement: they are part of the code.
--
-- 1668507251 ("csfs") is the lock class of contactsync; the other number is the
-- destination's doorbell, its leader slots are 100+k. The key is constant: on a
-- partition TG_RELID is another.
--
-- Types, functions and operators are schema-qualified: else whoever may create an
-- operator in a schema of the app's search_path could have code of theirs run as the
-- app's role. IS DISTINCT FROM, IN and NULLIF look for = along that path as well. A SET
-- search_path on the function would do, but costs a third more, and this runs once a
-- queued row.
--
-- Nothing here may fail the app's statement, whatever became of the table since: see
-- requeue.sql, where an update also rings, because a second function would cost every
-- request more than the doorbell does.
CREATE OR REPLACE FUNCTION contactsync.contact_doorbell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('contactsync.worker', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    -- each destination
    BEGIN
        IF NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued'
           AND NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN
            PERFORM pg_catalog.pg_notify('contact_queued', '');
        END IF;
    EXCEPTION
        WHEN serialization_failure OR deadlock_detected THEN
            RAISE;
        WHEN OTHERS THEN
            NULL; -- the tick finds the row
    END;
    -- end
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER contactsync_doorbell_insert
    AFTER INSERT ON contacts FOR EACH ROW
    WHEN (
        -- each destination, joined by OR
        NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued'
        -- end
    )
    EXECUTE FUNCTION contactsync.contact_doorbell();

COMMENT ON TRIGGER contactsync_doorbell_insert ON contacts IS
    'contactsync: wakes it. To alter the type of a column that this trigger depends on: contactsync migrate detach, then the change, then contactsync migrate attach';
