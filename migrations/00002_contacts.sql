-- The table of the contract: created where there is none, else completed.
-- Nothing that an existing table has is changed. Errors that a person must act
-- on have SQLSTATE CS001 and say what to do in their hint, one line each.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- +goose StatementBegin
-- family: what an existing column's type must be like, '' for any. room: how
-- many characters it must hold. nullable: contactsync writes NULL into it.
-- ours: contactsync writes into it.
CREATE FUNCTION contactsync.wanted() RETURNS TABLE (name text, family text, room int, nullable bool, ours bool, definition text)
LANGUAGE sql AS $$ VALUES
       ('id',                        'uuid',   NULL, false, false, 'uuid PRIMARY KEY DEFAULT gen_random_uuid()'),
       ('email',                     '',       NULL, false, false, 'text'),
       ('name',                      '',       NULL, false, false, 'text'),
       ('phone_number',              '',       NULL, false, false, 'text'),
       ('domain_id',                 '',       NULL, false, false, 'uuid'),
       ('page_id',                   '',       NULL, false, false, 'uuid'),
       ('hubspot_sync_status',       'status', 10,   false, true,  'contactsync.sync_status DEFAULT ''New'''),
       ('hubspot_processing_status', 'status', 10,   false, true,  'contactsync.processing_status'),
       ('hubspot_processing_error',  'text',   500,  true,  true,  'text'),
       ('hubspot_error_code',        'text',   20,   true,  true,  'text'),
       ('hubspot_contact_id',        'text',   20,   false, true,  'varchar'),
       ('hubspot_synced_at',         'time',   NULL, false, true,  'timestamptz'),
       ('retry_count',               'number', NULL, false, true,  'int DEFAULT 0'),
       ('next_retry_at',             'time',   NULL, true,  true,  'timestamptz'),
       ('last_retry_at',             'time',   NULL, false, true,  'timestamptz'),
       ('last_failed_crm',           'text',   10,   false, true,  'text'),
       ('created_at',                '',       NULL, false, false, 'timestamptz DEFAULT now()'),
       ('updated_at',                'time',   NULL, false, true,  'timestamptz DEFAULT now()')
$$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    contacts regclass := to_regclass('contacts');
    kind     "char";
    home     text;
    col      record;
    base     record;
    label    text;
    room     int;
    modifier int;
    problems text[] := '{}';
    remedies text[] := '{}';
    missing  text[];
    enums    text[] := '{}';
BEGIN
    IF contacts IS NULL THEN
        -- Not schema contactsync, which search_path names for a role of that name.
        SELECT s.name INTO home
          FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, place)
         WHERE s.name <> 'contactsync' ORDER BY s.place LIMIT 1;
        IF home IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'CS001',
                MESSAGE = 'there is no table contacts, and search_path names no schema to create it in',
                HINT = 'add ?search_path=<schema> to the database URL';
        END IF;
        CREATE TYPE contactsync.sync_status AS ENUM ('New', 'Selected', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
        CREATE TYPE contactsync.processing_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
        EXECUTE (SELECT format('CREATE TABLE %I.contacts (%s)', home, string_agg(format('%I %s', w.name, w.definition), ', '))
                   FROM contactsync.wanted() w);
        INSERT INTO contactsync.installed (kind, name, detail) VALUES
            ('contacts', format('%I.contacts', home), 'created'),
            ('type', 'contactsync.sync_status', 'enum'),
            ('type', 'contactsync.processing_status', 'enum');
        RETURN;
    END IF;

    SELECT c.relkind, format('%I.%I', n.nspname, c.relname) INTO kind, home
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = contacts;
    IF kind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001',
            MESSAGE = format('%s is not a table but %s', home,
                CASE kind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table' ELSE 'something else' END),
            HINT = 'name the schema of the table itself first: add ?search_path=<schema> to the database URL';
    END IF;

    FOR col IN
        SELECT w.*, a.attname IS NOT NULL AS present, a.atttypid AS type, a.atttypmod AS typmod,
               a.attnotnull AS not_null, a.attgenerated <> '' AS generated
          FROM contactsync.wanted() w
          LEFT JOIN pg_attribute a ON a.attrelid = contacts AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        IF NOT col.present THEN
            IF col.name = 'id' THEN
                problems := problems || format('%s has no column id', home);
                remedies := remedies || format('ALTER TABLE %s ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;', home);
            END IF;
            CONTINUE;
        END IF;

        modifier := col.typmod;
        SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod INTO base FROM pg_type t WHERE t.oid = col.type;
        WHILE base.typtype = 'd' LOOP
            modifier := CASE WHEN base.typtypmod = -1 THEN modifier ELSE base.typtypmod END;
            SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod INTO base FROM pg_type t WHERE t.oid = base.typbasetype;
        END LOOP;

        IF col.family = 'status' AND base.typtype = 'e' THEN
            FOREACH label IN ARRAY ARRAY['Queued', 'Processing', 'Complete', 'Error'] LOOP
                -- One type may serve both columns; say it once.
                IF NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = base.oid AND e.enumlabel = label)
                   AND format('ALTER TYPE %s ADD VALUE %L;', base.oid::regtype, label) <> ALL (remedies) THEN
                    problems := problems || format('type %s of column %I cannot hold %L', base.oid::regtype, col.name, label);
                    remedies := remedies || format('ALTER TYPE %s ADD VALUE %L;', base.oid::regtype, label);
                END IF;
            END LOOP;
        ELSIF (CASE col.family
                  WHEN 'uuid'   THEN base.oid = 'uuid'::regtype
                  WHEN 'number' THEN base.typcategory = 'N'
                  WHEN 'time'   THEN base.oid IN ('timestamp'::regtype, 'timestamptz'::regtype)
                  WHEN 'text'   THEN base.typcategory = 'S'
                  WHEN 'status' THEN base.typcategory = 'S'
                  ELSE true
              END) IS NOT TRUE THEN
            problems := problems || format('column %I is %s; it must be %s', col.name, format_type(col.type, col.typmod),
                CASE col.family WHEN 'uuid' THEN 'uuid' WHEN 'number' THEN 'an integer' WHEN 'time' THEN 'a timestamp' WHEN 'text' THEN 'text' ELSE 'text or an enum' END);
            remedies := remedies || format('change the type of %s.%I, or rename the column: contactsync then adds its own', home, col.name);
            CONTINUE;
        ELSIF base.oid IN ('varchar'::regtype, 'bpchar'::regtype) THEN
            room := CASE WHEN modifier >= 4 THEN modifier - 4 WHEN base.oid = 'bpchar'::regtype THEN 1 END;
            IF room < col.room OR (base.oid = 'bpchar'::regtype AND col.room IS NOT NULL) THEN
                problems := problems || format('column %I is %s; contactsync needs %s characters in it', col.name, format_type(col.type, col.typmod), col.room);
                remedies := remedies || format('ALTER TABLE %s ALTER COLUMN %I TYPE text;', home, col.name);
            END IF;
        END IF;

        IF col.nullable AND col.not_null THEN
            problems := problems || format('column %I is NOT NULL; contactsync clears it', col.name);
            remedies := remedies || format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL;', home, col.name);
        END IF;
        IF col.ours AND col.generated THEN
            problems := problems || format('column %I is GENERATED; contactsync writes it', col.name);
            remedies := remedies || format('ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION;', home, col.name);
        END IF;
    END LOOP;

    IF problems <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'CS001',
            MESSAGE = array_to_string(problems, E'\n'), HINT = array_to_string(remedies, E'\n');
    END IF;

    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = contacts AND a.attname = 'id' AND i.indpred IS NULL) THEN
        RAISE WARNING '% has no index that begins with id: every claim reads the whole table', home;
    END IF;

    SELECT array_agg(w.name) INTO missing
      FROM contactsync.wanted() w
     WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = contacts AND a.attname = w.name AND NOT a.attisdropped);
    IF 'hubspot_sync_status' = ANY (missing) THEN
        CREATE TYPE contactsync.sync_status AS ENUM ('New', 'Selected', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped');
        enums := enums || 'contactsync.sync_status'::text;
    END IF;
    IF 'hubspot_processing_status' = ANY (missing) THEN
        CREATE TYPE contactsync.processing_status AS ENUM ('Queued', 'Processing', 'Complete', 'Error');
        enums := enums || 'contactsync.processing_status'::text;
    END IF;
    IF missing <> '{}' THEN
        -- Constant defaults: Postgres keeps them beside the table and rewrites no row.
        EXECUTE (SELECT format('ALTER TABLE %s %s', contacts, string_agg(format('ADD COLUMN %I %s', w.name, w.definition), ', '))
                   FROM contactsync.wanted() w WHERE w.name = ANY (missing));
    END IF;

    INSERT INTO contactsync.installed (kind, name, detail)
    SELECT 'contacts', home, 'found'
     UNION ALL
    SELECT 'column', w.name, w.definition FROM contactsync.wanted() w WHERE w.name = ANY (missing)
     UNION ALL
    SELECT 'type', e, 'enum' FROM unnest(enums) AS e;
END
$$;
-- +goose StatementEnd

DROP FUNCTION contactsync.wanted();

-- +goose Down
SET LOCAL lock_timeout = '3s';

-- +goose StatementBegin
DO $$
DECLARE
    contacts regclass;
    made     text;
    filled   bool;
    item     record;
BEGIN
    SELECT to_regclass(i.name), i.detail INTO contacts, made FROM contactsync.installed i WHERE i.kind = 'contacts';
    IF contacts IS NOT NULL AND made = 'created' THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', contacts);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', contacts) INTO filled;
        IF filled THEN
            RAISE EXCEPTION USING ERRCODE = 'CS001',
                MESSAGE = format('%s was created by contactsync and holds contacts, which going further back would delete', contacts),
                HINT = format('DROP TABLE %s; (or move its rows elsewhere and empty it), then try again', contacts);
        END IF;
        EXECUTE format('DROP TABLE %s', contacts);
    ELSIF contacts IS NOT NULL THEN
        FOR item IN
            SELECT a.attname AS name
              FROM contactsync.installed i JOIN pg_attribute a ON a.attname = i.name
             WHERE i.kind = 'column' AND a.attrelid = contacts AND NOT a.attisdropped
        LOOP
            EXECUTE format('ALTER TABLE %s DROP COLUMN %I', contacts, item.name);
        END LOOP;
    END IF;
    FOR item IN SELECT i.name FROM contactsync.installed i WHERE i.kind = 'type' LOOP
        EXECUTE format('DROP TYPE IF EXISTS %s', item.name);
    END LOOP;
    DELETE FROM contactsync.installed WHERE kind IN ('contacts', 'column', 'type');
END
$$;
-- +goose StatementEnd
