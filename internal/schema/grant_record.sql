-- Remember a role, so that `migrate up` gives it what a later version needs. $1
-- its name, $2 'reader' or 'worker'; nothing is taken from a worker.
INSERT INTO contactsync.installed (kind, name, detail)
VALUES ('role', $1, $2)
    ON CONFLICT (kind, name) DO UPDATE
   SET detail = CASE WHEN installed.detail = 'worker' THEN 'worker' ELSE excluded.detail END, at = now()
