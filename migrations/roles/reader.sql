-- What a person who only looks may do: `contactsync status`, the views
-- contactsync.status and contactsync.problems, and the tables behind them. Of
-- contacts it may read the columns that contactsync works with, and no other.
--
-- The owner of contacts runs it, once for each role, after `migrate up`:
--   contactsync migrate grant --read-only ROLE
-- or, where only HubSpot is synced, with psql, where search_path leads to contacts:
--   psql "$DATABASE_URL" -v role=ROLE -f migrations/roles/reader.sql

SELECT pg_catalog.set_config('contactsync.grantee', :'role', false);

-- The way in, where it is not everybody's anyway.
DO $$
DECLARE
    grantee  name := current_setting('contactsync.grantee');
    home     name := (SELECT n.nspname
                        FROM contactsync.installed i
                        JOIN pg_class t ON t.oid = to_regclass(i.name)
                        JOIN pg_namespace n ON n.oid = t.relnamespace
                       WHERE i.kind = 'contacts');
BEGIN
    IF NOT has_database_privilege(grantee, current_database(), 'CONNECT') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), grantee);
    END IF;
    IF NOT has_schema_privilege(grantee, home, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', home, grantee);
    END IF;
END
$$;
GRANT USAGE ON SCHEMA contactsync TO :"role";

GRANT SELECT (
    /* c. */id, /* c. */email, /* c. */name, phone_number, domain_id, page_id,
    -- each destination
    hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, hubspot_error_code,
    hubspot_contact_id, hubspot_synced_at, retry_count, next_retry_at, last_retry_at, hubspot_queued_at,
    -- end
    last_failed_crm, created_at, updated_at
) ON contacts TO :"role";

-- The trace of the commit that queued a contact, where the app stores it.
DO $$
DECLARE
    home regclass := (SELECT to_regclass(i.name) FROM contactsync.installed i WHERE i.kind = 'contacts');
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = home AND attname = 'traceparent' AND NOT attisdropped) THEN
        EXECUTE format('GRANT SELECT (traceparent) ON %s TO %I', home, current_setting('contactsync.grantee'));
    END IF;
END
$$;

-- What is in flight, what was done, what failed, what the database refuses, who leads.
-- Digests of emails are left out: who has a list of addresses could look them up.
GRANT SELECT (contact_id, destination, slot, cycle, claimed_at, until, dead_after, holds_key, refusal) ON contactsync.claims TO :"role";
GRANT SELECT ON contactsync.cycles, contactsync.failures, contactsync.refusals, contactsync.slots, contactsync.strays TO :"role";
-- Whether it is paused by hand, who runs, what people did.
GRANT SELECT ON contactsync.holds, contactsync.replicas, contactsync.accounts, contactsync.actions, contactsync.alerts TO :"role";
-- Which version the schema has.
GRANT SELECT ON contactsync.installed, contactsync.goose_db_version TO :"role";

GRANT SELECT ON contactsync.status, contactsync.problems TO :"role";
GRANT EXECUTE ON FUNCTION contactsync.row_security(), contactsync.row_security(oid, bool) TO :"role";
-- each destination
GRANT EXECUTE ON FUNCTION contactsync.hubspot_queue_state(bigint), contactsync.hubspot_problems() TO :"role";
-- end
