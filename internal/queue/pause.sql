-- Show the pause of a slot, or its end (code NULL). $1 destination, $2 slot,
-- $3 code, $4 reason, $5 for how many seconds from now.
UPDATE contactsync.slots
   SET pause_code = $3,
       pause_reason = left($4, 500),
       pause_since = CASE WHEN $3::text IS NULL THEN NULL
                          WHEN pause_code = $3 THEN pause_since
                          ELSE clock_timestamp() END,
       pause_until = CASE WHEN $3::text IS NULL THEN NULL
                          ELSE clock_timestamp() + make_interval(secs => $5::float8) END
 WHERE destination = $1 AND slot = $2::int
