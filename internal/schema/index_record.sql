-- $1 schema, $2 name of an index that was built.
INSERT INTO contactsync.installed (kind, name)
VALUES ('index', format('%I.%I', $1::text, $2::text))
    ON CONFLICT (kind, name) DO NOTHING
