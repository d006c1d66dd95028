-- Names the locks that take.sql tries. $1 their objects, the first being the one
-- to queue at. A DO block takes no parameters.
SELECT set_config('contactsync.slots', ($1::int[])::text, false)
