-- A column of our own that says since when a contact waits: the queue's order. It
-- was updated_at, whose index ended heap-only updates for every app that keeps that
-- column. Version 10 builds its index and gives rows that wait already their place.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- +goose StatementBegin
DO $$
DECLARE
    contacts regclass;
    home     text;
    theirs   record; -- a column of that name which is there already
    reader   record;
BEGIN
    SELECT to_regclass(i.name), i.name INTO STRICT contacts, home FROM contactsync.installed i WHERE i.kind = 'contacts';
    IF contacts IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001',
            MESSAGE = format('there is no table %s any more, which was migrated', home),
            HINT = 'run `contactsync migrate down --all`, then `contactsync migrate up` for the table that there is now';
    END IF;
    SELECT format_type(a.atttypid, a.atttypmod) AS type, a.atthasdef AS filled,
           a.atttypid = 'timestamptz'::regtype AND a.attgenerated = '' AND NOT a.attnotnull AS fits
      INTO theirs
      FROM pg_attribute a
     WHERE a.attrelid = contacts AND a.attname = 'hubspot_queued_at' AND NOT a.attisdropped;
    IF theirs.fits IS NULL THEN
        -- In two steps: a default that is there from the beginning would tell old rows a time.
        EXECUTE format('ALTER TABLE %s ADD COLUMN hubspot_queued_at timestamptz', contacts);
        EXECUTE format('ALTER TABLE %s ALTER COLUMN hubspot_queued_at SET DEFAULT now()', contacts);
        INSERT INTO contactsync.installed (kind, name, detail) VALUES ('column', 'hubspot_queued_at', 'timestamptz DEFAULT now()');
    ELSIF NOT theirs.fits THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001',
            MESSAGE = format('column hubspot_queued_at of %s is %s; it must be timestamptz, neither GENERATED nor NOT NULL', home, theirs.type),
            HINT = format('ALTER TABLE %s RENAME COLUMN hubspot_queued_at TO …; contactsync then adds its own', home);
    ELSIF NOT theirs.filled THEN
        RAISE WARNING 'column hubspot_queued_at of % has no default: contacts that are inserted as Queued come before all others', home;
    END IF;
    -- Who may read the status by columns reads this one, too: claims and the view do.
    FOR reader IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS name
          FROM pg_attribute a, aclexplode(a.attacl) AS acl
         WHERE a.attrelid = contacts AND a.attname = 'hubspot_processing_status' AND acl.privilege_type = 'SELECT'
    LOOP
        EXECUTE format('GRANT SELECT (hubspot_queued_at) ON %s TO %s', contacts, reader.name);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
SET LOCAL lock_timeout = '3s';
SET LOCAL check_function_bodies = off; -- somebody may have made another table of that name

-- +goose StatementBegin
DO $$
DECLARE
    contacts regclass;
BEGIN
    SELECT to_regclass(i.name) INTO contacts FROM contactsync.installed i WHERE i.kind = 'contacts';
    IF contacts IS NULL THEN -- somebody dropped the table
        DELETE FROM contactsync.installed WHERE kind = 'column' AND name = 'hubspot_queued_at';
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM contactsync.installed i WHERE i.kind = 'column' AND i.name = 'hubspot_queued_at') THEN
        EXECUTE format('ALTER TABLE %s DROP COLUMN IF EXISTS hubspot_queued_at', contacts);
        DELETE FROM contactsync.installed WHERE kind = 'column' AND name = 'hubspot_queued_at';
    END IF;
END
$$;
-- +goose StatementEnd
