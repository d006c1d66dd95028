-- Take the slot's row: who leads it, since when. $1 destination, $2 slot,
-- $3 instance, $4 whether it sends without remembering what.
INSERT INTO contactsync.slots (destination, slot, instance, since, forgetful)
VALUES ($1, $2::int, $3, clock_timestamp(), $4::bool)
    ON CONFLICT (destination, slot) DO UPDATE
   SET instance = excluded.instance, since = excluded.since, forgetful = excluded.forgetful,
       pause_code = NULL, pause_reason = NULL, pause_since = NULL, pause_until = NULL
