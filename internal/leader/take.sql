-- Takes one of the slots: whichever is free, else the first one if it becomes
-- free within contactsync.slot_wait. lock_timeout is set for this transaction
-- alone. Whether it took one must be asked afterwards: a session's lock that is
-- granted in the moment of the timeout survives the exception.
DO $$
DECLARE
	slots int[] := current_setting('contactsync.slots')::int[];
	slot  int;
BEGIN
	FOREACH slot IN ARRAY slots LOOP
		IF pg_try_advisory_lock(1668507251, slot) THEN
			RETURN;
		END IF;
	END LOOP;
	PERFORM set_config('lock_timeout', current_setting('contactsync.slot_wait'), true);
	PERFORM pg_advisory_lock(1668507251, slots[1]);
EXCEPTION
	WHEN lock_not_available THEN
		RAISE DEBUG 'no slot within %', current_setting('contactsync.slot_wait');
END
$$
