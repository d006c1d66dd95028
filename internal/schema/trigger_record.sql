-- $1 hash of the trigger text that was applied.
INSERT INTO contactsync.installed (kind, name, detail)
VALUES ('triggers', 'sha256', $1)
    ON CONFLICT (kind, name) DO UPDATE SET detail = excluded.detail, at = now()
