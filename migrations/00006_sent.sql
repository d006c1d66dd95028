-- What HubSpot has been told last, for processes that are to leave unchanged
-- contacts alone (HUBSPOT_SKIP_UNCHANGED).

-- +goose Up
SET LOCAL lock_timeout = '3s';

-- One row for each email that was sent. While requests are on their way, or what
-- became of them is not known, their cycles stand in the row and the hash means
-- nothing: it means something only when there are none. The row with the empty key
-- says until when hashes are void, because somebody sent without writing here.
CREATE TABLE contactsync.sent (
    destination text        NOT NULL,
    key         bytea       NOT NULL,              -- SHA-256 of the email, trimmed and folded
    hash        bytea,                             -- of what was sent; NULL where that is not known
    cycles      bigint[]    NOT NULL DEFAULT '{}', -- that are sending it
    alone       bool        NOT NULL DEFAULT true, -- no two of them did at the same time
    remote_id   text,                              -- several emails may lead to one contact
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (destination, key)
);
CREATE INDEX sent_remote_id ON contactsync.sent (destination, remote_id);
CREATE INDEX sent_at ON contactsync.sent (at);

-- A leader that sends without writing there, as older versions do, too.
ALTER TABLE contactsync.slots ADD COLUMN forgetful bool NOT NULL DEFAULT true;

-- Contacts that needed no request. NULL in cycles of older versions.
ALTER TABLE contactsync.cycles ADD COLUMN skipped int;

-- +goose Down
SET LOCAL lock_timeout = '3s';
ALTER TABLE contactsync.cycles DROP COLUMN skipped;
ALTER TABLE contactsync.slots DROP COLUMN forgetful;
DROP TABLE contactsync.sent;
