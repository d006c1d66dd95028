-- What the alert webhook was told last, so that a change is told once, whichever
-- replica leads.

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- One row for each kind of trouble that there ever was. `raised` is how it stands,
-- `told` how the webhook believes it to stand: where they differ somebody has to be
-- told, and what came and went before anybody could be told needs not be.
CREATE TABLE contactsync.alerts (
    destination text        NOT NULL,
    kind        text        NOT NULL,   -- paused, held, backlog, failures
    raised      bool        NOT NULL,
    since       timestamptz NOT NULL,   -- of raised, or of its end
    began       timestamptz NOT NULL,   -- of the trouble
    seen_at     timestamptz NOT NULL,   -- when the trouble was last seen
    detail      text        NOT NULL,   -- for people
    told        bool        NOT NULL DEFAULT false,
    told_at     timestamptz,
    next_try_at timestamptz NOT NULL DEFAULT '-infinity', -- whoever posts moves it, so that no other does
    PRIMARY KEY (destination, kind)
);

-- +goose Down
SET LOCAL lock_timeout = '3s';
DROP TABLE contactsync.alerts;
