-- What the server is like, and how this session may use it.
SELECT current_setting('server_version_num')::int,
       current_setting('server_version'),
       pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'on',
       current_setting('max_prepared_transactions')::int,
       pg_notification_queue_usage()::float8,
       current_setting('session_replication_role'),
       current_user::text,
       current_database()::text
