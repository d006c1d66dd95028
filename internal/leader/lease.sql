-- Makes the server end this session when the client is silent, between
-- statements or within a transaction. $1 after how long ('15000ms'). $2 after how
-- long a statement is cut, just before the client gives it up. $3 how long to
-- wait for a slot.
SELECT set_config('idle_session_timeout', $1, false),
       set_config('idle_in_transaction_session_timeout', $1, false),
       set_config('statement_timeout', $2, false),
       set_config('contactsync.slot_wait', $3, false)
