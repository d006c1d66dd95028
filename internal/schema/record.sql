-- The record of what `migrate up` has created, and the versions.

-- name: migrated
-- Whether any version was ever applied, and the first one not undone.
SELECT to_regclass('contactsync.goose_db_version') IS NOT NULL
   AND to_regclass('contactsync.installed') IS NOT NULL

-- name: versions
-- The versions that the database has, and since when (in UTC).
SELECT version_id, tstamp
  FROM contactsync.goose_db_version
 WHERE is_applied AND version_id > 0

-- name: all
SELECT kind, name, detail, destination, at
  FROM contactsync.installed
 ORDER BY at, name

-- name: add
-- $1 kind, $2 name, $3 detail, $4 destination. What is recorded already keeps its time,
-- but for a text that was applied again.
INSERT INTO contactsync.installed (kind, name, detail, destination)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (kind, name) DO UPDATE
   SET detail = excluded.detail,
       destination = excluded.destination,
       at = CASE WHEN excluded.kind IN ('triggers', 'views') THEN excluded.at ELSE installed.at END
 WHERE installed.detail <> excluded.detail

-- name: forget
-- $1 kind, $2 name.
DELETE FROM contactsync.installed WHERE kind = $1 AND name = $2

-- name: drop_triggers
-- Take every trigger off that runs a function of ours, whatever its name was in the
-- version that put it there.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT t.tgname AS name, t.tgrelid::regclass AS contacts
          FROM pg_trigger t
          JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE p.pronamespace = to_regnamespace('contactsync')::oid
           AND t.tgparentid = 0 -- a partition's goes with its parent's
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', item.name, item.contacts);
    END LOOP;
    DROP FUNCTION IF EXISTS contactsync.contact_requeue();
    DROP FUNCTION IF EXISTS contactsync.contact_doorbell();
END
$$

-- name: drop_schema
-- Drop what goose left, and the schema if nothing foreign is in it. Without
-- CASCADE: that would take along what others made depend on it.
BEGIN;
SET LOCAL lock_timeout = '3s';
DROP TABLE IF EXISTS contactsync.goose_db_version;
COMMIT;
DROP SCHEMA IF EXISTS contactsync

-- name: versioned
-- Whether there is a table of versions.
SELECT to_regclass('contactsync.goose_db_version') IS NOT NULL

-- name: unversioned
-- Whether it is empty: it never is but in a copy without rows.
SELECT NOT EXISTS (SELECT FROM contactsync.goose_db_version)
