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
