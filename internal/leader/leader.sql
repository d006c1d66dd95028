-- What a candidate and a leader ask of the server. @class is the class of the locks.

-- name: lease
-- Makes the server end this session when the client is silent, between statements or
-- within a transaction, for as long as the @lease ('15000ms'). A statement is cut after
-- @cut, just before the client gives it up. @wait is how long to wait for a slot.
SELECT set_config('idle_session_timeout', @lease, false),
       set_config('idle_in_transaction_session_timeout', @lease, false),
       set_config('statement_timeout', @cut, false),
       set_config('contactsync.slot_wait', @wait, false)

-- name: portable
-- Settings that not every server has: some operating systems cannot notice a
-- closed connection during a statement, and PostgreSQL bounds whole transactions
-- since 17. Without them a dead session is noticed when its statement ends.
DO $$
BEGIN
	BEGIN
		PERFORM set_config('client_connection_check_interval', '1s', false);
	EXCEPTION WHEN OTHERS THEN
		NULL;
	END;
	IF current_setting('transaction_timeout', true) IS NOT NULL THEN
		PERFORM set_config('transaction_timeout', current_setting('idle_session_timeout'), false);
	END IF;
END
$$

-- name: slots
-- Names the locks that take tries, the first being the one to queue at. A DO block takes
-- no parameters.
SELECT set_config('contactsync.lock_class', (@class::int)::text, false),
       set_config('contactsync.slots', (@locks::int[])::text, false)

-- name: take
-- Takes one of the slots: whichever is free, else the first one if it becomes
-- free within contactsync.slot_wait. lock_timeout is set for this transaction
-- alone. Whether it took one must be asked afterwards: a session's lock that is
-- granted in the moment of the timeout survives the exception.
DO $$
DECLARE
	class int := current_setting('contactsync.lock_class')::int;
	slots int[] := current_setting('contactsync.slots')::int[];
	slot  int;
BEGIN
	FOREACH slot IN ARRAY slots LOOP
		IF pg_try_advisory_lock(class, slot) THEN
			RETURN;
		END IF;
	END LOOP;
	PERFORM set_config('lock_timeout', current_setting('contactsync.slot_wait'), true);
	PERFORM pg_advisory_lock(class, slots[1]);
EXCEPTION
	WHEN lock_not_available THEN
		RAISE DEBUG 'no slot within %', current_setting('contactsync.slot_wait');
END
$$

-- name: held
-- What this session is, which of the @locks it holds, and whether it can write.
SELECT pg_backend_pid(),
       ARRAY(SELECT objid::int
               FROM pg_locks
              WHERE locktype = 'advisory'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = @class::int::oid
                AND objid = ANY (@locks::int[]::oid[])
                AND objsubid = 2
                AND mode = 'ExclusiveLock'
                AND granted
                AND pid = pg_backend_pid()
              ORDER BY objid),
       current_setting('contactsync.worker', true) IS NOT DISTINCT FROM 'on',
       current_setting('transaction_read_only')::bool

-- name: silent
-- Ends the sessions that hold one of the @locks and have waited within a statement for
-- what belongs to it: their leader was frozen, or the network went silent, between two
-- statements that were sent together. No timeout of the server before version 17 counts
-- then. A leader that lives gives up sooner than after the @lease. It ends sessions of
-- this role alone: those of others it cannot even see.
-- The CTE is a fence: nobody may be ended before all conditions were looked at.
WITH silent AS MATERIALIZED (
    SELECT a.pid
      FROM pg_stat_activity a
     WHERE a.pid IN (SELECT l.pid
                       FROM pg_locks l
                      WHERE l.locktype = 'advisory'
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND l.classid = @class::int::oid
                        AND l.objid = ANY (@locks::int[]::oid[])
                        AND l.objsubid = 2
                        AND l.mode = 'ExclusiveLock'
                        AND l.granted)
       AND a.usename = current_user
       AND a.application_name LIKE 'contactsync/%'
       AND a.state = 'active'
       AND a.wait_event = 'ClientRead'
       AND a.state_change < clock_timestamp() - @lease::text::interval
)
SELECT pid FROM silent WHERE pg_terminate_backend(pid)
