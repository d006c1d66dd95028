-- What the processes need beyond reader.sql: `run`, `sync`, `queue`,
-- `retry`, `pause` and `resume` may write the columns that are contactsync's, and its bookkeeping. They
-- can neither insert nor delete contacts, nor write the values that apps keep
-- there, nor read another table, nor change the schema: `migrate` is the owner's.
--
-- The owner of contacts runs it, once for each role, after `migrate up`:
--   contactsync migrate grant ROLE
-- or, where only HubSpot is synced, with psql, where search_path leads to contacts:
--   psql "$DATABASE_URL" -v role=ROLE -f migrations/roles/reader.sql -f migrations/roles/worker.sql

-- Locking a row for the time of a statement takes the right to write one of its
-- columns; these are all there are to write.
GRANT UPDATE (
    -- each destination
    hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, hubspot_error_code,
    hubspot_contact_id, hubspot_synced_at, hubspot_queued_at, retry_count, next_retry_at, last_retry_at,
    -- end
    last_failed_crm, updated_at
) ON contacts TO :"role";

GRANT SELECT, INSERT, UPDATE, DELETE ON contactsync.claims, contactsync.doubts TO :"role";
GRANT INSERT, UPDATE, DELETE ON contactsync.cycles, contactsync.refusals, contactsync.slots, contactsync.strays TO :"role";
-- What failed and what people did is written once, and forgotten after 30 days.
GRANT INSERT, DELETE ON contactsync.failures, contactsync.actions TO :"role";
GRANT INSERT, UPDATE, DELETE ON contactsync.holds, contactsync.replicas TO :"role";
GRANT INSERT, UPDATE ON contactsync.accounts TO :"role";
GRANT INSERT, UPDATE ON contactsync.alerts TO :"role";
-- What the CRM has been told last.
GRANT SELECT, INSERT, UPDATE, DELETE ON contactsync.sent TO :"role";
GRANT SELECT, INSERT, UPDATE ON contactsync.origins TO :"role";
-- Draws the number of a cycle before there is a row for it.
GRANT USAGE ON SEQUENCE contactsync.cycles_id_seq TO :"role";
