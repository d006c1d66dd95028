-- The books that Postgres keeps. A row of soak.changes is written in the
-- transaction that changed the contact, so it is there if and only if that
-- transaction was committed, whatever became of the answer to its COMMIT. Its seq
-- is drawn while the contact's row is locked, so for one contact the order of seq
-- is the order of the commits.
CREATE SCHEMA soak;

-- An app's own columns, which contactsync does not know: who changed the row
-- last, and something that changes although nothing is asked for.
ALTER TABLE contacts ADD COLUMN app_change text, ADD COLUMN app_seen timestamptz;

CREATE TABLE soak.changes (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx          text        NOT NULL DEFAULT pg_current_xact_id()::text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker      bool        NOT NULL DEFAULT current_setting('contactsync.worker', true) IS NOT DISTINCT FROM 'on',
    who         text        NOT NULL DEFAULT current_setting('application_name'),
    op          text        NOT NULL,
    contact_id  uuid        NOT NULL,
    version     text,
    before      text,       -- the status
    after       text,
    token       text,
    tries       int,
    due         timestamptz
);

CREATE FUNCTION soak.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    CASE TG_OP
    WHEN 'INSERT' THEN
        INSERT INTO soak.changes (op, contact_id, version, after, token, tries, due)
        VALUES ('insert', NEW.id, NEW.phone_number, NEW.hubspot_processing_status, NEW.app_change, NEW.retry_count, NEW.next_retry_at);
    WHEN 'UPDATE' THEN
        INSERT INTO soak.changes (op, contact_id, version, before, after, token, tries, due)
        VALUES ('update', NEW.id, NEW.phone_number, OLD.hubspot_processing_status, NEW.hubspot_processing_status, NEW.app_change,
                NEW.retry_count, NEW.next_retry_at);
    ELSE
        INSERT INTO soak.changes (op, contact_id, before) VALUES ('delete', OLD.id, OLD.hubspot_processing_status);
    END CASE;
    RETURN NULL;
END $$;

CREATE TRIGGER soak_note AFTER INSERT OR UPDATE OR DELETE ON contacts
    FOR EACH ROW EXECUTE FUNCTION soak.note_change();

-- What was done to claims, and whether the session that did it held the lock of
-- the claim's slot at that moment.
CREATE TABLE soak.claims (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    pid        int         NOT NULL DEFAULT pg_backend_pid(),
    who        text        NOT NULL DEFAULT current_setting('application_name'),
    op         text        NOT NULL,
    contact_id uuid        NOT NULL,
    slot       int         NOT NULL,
    cycle      bigint      NOT NULL,
    until      timestamptz,
    holds      bool        NOT NULL
);

CREATE FUNCTION soak.note_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    claim contactsync.claims := coalesce(NEW, OLD);
BEGIN
    INSERT INTO soak.claims (op, contact_id, slot, cycle, until, holds)
    SELECT lower(TG_OP), claim.contact_id, claim.slot, claim.cycle, claim.until, EXISTS (
        SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND pid = pg_backend_pid()
           AND classid = 1668507251 AND objid = (100 + claim.slot)::oid AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()));
    RETURN NULL;
END $$;

CREATE TRIGGER soak_note AFTER INSERT OR UPDATE OR DELETE ON contactsync.claims
    FOR EACH ROW EXECUTE FUNCTION soak.note_claim();

-- Who took a slot, and when.
CREATE TABLE soak.terms (
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    slot     int         NOT NULL,
    instance text        NOT NULL
);

CREATE FUNCTION soak.note_term() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO soak.terms (slot, instance) VALUES (NEW.slot, NEW.instance);
    RETURN NULL;
END $$;

CREATE TRIGGER soak_note_taken AFTER INSERT ON contactsync.slots
    FOR EACH ROW EXECUTE FUNCTION soak.note_term();
CREATE TRIGGER soak_note_taken_over AFTER UPDATE ON contactsync.slots
    FOR EACH ROW WHEN (OLD.since IS DISTINCT FROM NEW.since) EXECUTE FUNCTION soak.note_term();
