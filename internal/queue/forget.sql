-- Make everything void that is remembered up to now, because this process sends
-- without writing it down. $1 destination.
INSERT INTO contactsync.sent (destination, key)
SELECT $1, ''
 WHERE EXISTS (SELECT FROM contactsync.sent WHERE destination = $1)
    ON CONFLICT (destination, key) DO UPDATE SET at = clock_timestamp()
