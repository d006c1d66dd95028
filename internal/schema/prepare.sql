-- Settings of every session of a migration.
SET application_name = 'contactsync migrate';
SET timezone = 'UTC';
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET idle_session_timeout = 0;
