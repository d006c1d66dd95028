-- Take every trigger off contacts that runs a function of ours, whatever its
-- name was in the version that put it there.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT t.tgname AS name, t.tgrelid::regclass AS contacts
          FROM pg_trigger t
          JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE p.pronamespace = to_regnamespace('contactsync')
           AND t.tgparentid = 0 -- a partition's goes with its parent's
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', item.name, item.contacts);
    END LOOP;
    DROP FUNCTION IF EXISTS contactsync.contact_fresh();
    DROP FUNCTION IF EXISTS contactsync.contact_bell();
    DROP VIEW IF EXISTS contactsync.problems, contactsync.status;
    DROP FUNCTION IF EXISTS contactsync.hubspot_problems(), contactsync.hubspot_queue_state(bigint);
    DELETE FROM contactsync.installed WHERE kind = 'triggers';
END
$$
