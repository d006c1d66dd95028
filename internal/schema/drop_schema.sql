-- Drop what goose left, and the schema if nothing foreign is in it. Without
-- CASCADE: that would take along what others made depend on it.
BEGIN;
SET LOCAL lock_timeout = '3s';
DROP TABLE IF EXISTS contactsync.goose_db_version;
COMMIT;
DROP SCHEMA IF EXISTS contactsync
